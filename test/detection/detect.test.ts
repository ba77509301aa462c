import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { collect, csvIn, Detection } from '../../src/detection/detect.js';
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
});
