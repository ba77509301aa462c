import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { collect, csvIn, detect, Detection } from '../../src/detection/detect.js';
import { writeReports } from '../../src/detection/report.js';
import { meanModel } from '../support/models.js';
import { expectAppError } from '../support/errors.js';

const ROWS = readFileSync('model_creation/data/test.csv', 'utf8').trim().split('\r\n');

describe('a detection', () => {
  for (const [how, rows] of [
    ['longer', 5200],
    ['shorter', 4800],
  ] as const) {
    it(`says so where the CSV becomes ${how} while it is read`, async () => {
      let reading = 0;
      const source = {
        *pieces() {
          reading += 1;
          // Once for its head, once to see what is in it, and once more to score it.
          yield Buffer.from(ROWS.slice(0, reading > 2 ? rows : 5000).join('\n'));
        },
      };
      const detection = Detection.open(csvIn(source), await meanModel([{ mean: 0, scale: 1 }]));
      const { message } = await expectAppError('MALFORMED_CSV', () => collect(writeReports(detection, ['csv'], true)));
      expect(message).to.include('changed while it was read');
    });
  }

  const timestamps: [name: string, cells: (at: (point: number) => string) => string[], row: number, got: string][] = [
    ['one of an epoch is missing', (at) => points.map((i) => (i === 10 ? '' : at(i))), 14, '""'],
    ['one is a word', (at) => points.map((i) => (i === 0 ? 'soon' : at(i))), 4, '"soon"'],
    ['one is a word far behind', (at) => points.map((i) => (i === 250 ? 'soon' : at(i))), 254, '"soon"'],
    ['they are dates as people write them', () => points.map((i) => `1/${i + 1}/2024`), 4, '"1/1/2024"'],
  ];
  const points = Array.from({ length: 300 }, (_, i) => i);
  for (const [name, cells, row, got] of timestamps) {
    it(`says which timestamps it cannot read, and tells them all the same, where ${name}`, async () => {
      const rows = cells((i) => `${1_700_000_000 + 60 * i}`).map((cell, i) => `${cell},${i === 100 ? 50 : 0}`);
      const csv = Buffer.from(`\n\ntime,value\n${rows.join('\n')}\n`);
      const { series, verdict } = await detect(csv, await meanModel([{ mean: 0, scale: 1 }]));
      const [{ start, startTimestamp }] = verdict.anomalies;
      expect(startTimestamp).to.equal(series.timestamps?.[start]).and.to.have.length.above(5);
      const [warning] = verdict.warnings.filter(({ code }) => code === 'TIMESTAMPS_NOT_READ');
      expect(warning.message).to.include(`the first in row ${row}:`).and.to.include(`got ${got}`);
      expect(verdict.warnings.map(({ code }) => code)).to.not.include('IRREGULAR_TIMESTAMPS');
    });
  }
});
