import { expect } from 'chai';
import fc from 'fast-check';
import { bytesInMemory } from '../../src/detection/byte-source.js';
import type { SeriesBlock } from '../../src/detection/cell-block.js';
import { openAnySeries, openSeries } from '../../src/detection/series.js';
import { AppError } from '../../src/errors.js';

// Millions make the same point better, and take an hour.
const RUNS = Number(process.env.CSV_RUNS ?? 20_000);

/** What a CSV is read as: the series with its rows as they came, or the error. */
function outcome(open: typeof openSeries, csv: Uint8Array, columns?: readonly string[]): object {
  try {
    const reader = open(bytesInMemory(csv), columns);
    const { length, header, sampling } = reader;
    const rows = [0, length].map((point) => reader.rowOf?.(point));
    return {
      length,
      columns: reader.columns,
      header,
      sampling,
      rows,
      blocks: [...reader.blocks(7, true)].map(readable),
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, message: error.message, details: error.details };
  }
}

function readable({ rows, ...block }: SeriesBlock) {
  return { ...block, rows: rows && { text: Buffer.from(rows.bytes).toString(), ends: rows.ends } };
}

const plainNumber = fc.oneof(
  fc.integer({ min: -1e6, max: 1e6 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.double({ min: -1e4, max: 1e4, noNaN: true }).map((value) => value.toFixed(4)),
  fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
);
const oddCell = fc.constantFrom(
  ...[
    '',
    ' ',
    'NaN',
    'na',
    '-',
    '+',
    '.',
    '5.',
    '.5',
    '1e',
    '1e5',
    '1E-400',
    '1e400',
    '1,5',
    '"1"',
    '"',
    ' 1',
    '1 ',
    '+7',
  ],
  ...['-0', '00012', '0x10', 'Infinity', 'é', '\u0000', '1_000', '1e+05', '-.5e-3', '2024-01-01', '1700000000', 'x'],
);
const cell = fc.oneof({ weight: 12, arbitrary: plainNumber }, { weight: 1, arbitrary: oddCell });
const timestamp = fc.integer({ min: 1_500_000_000, max: 1_800_000_000 }).map(String);

/** CSVs as people have them, a few of them broken in a place or two. */
const csvs = fc
  .record({
    columns: fc.integer({ min: 1, max: 4 }),
    header: fc.boolean(),
    timestamps: fc.boolean(),
    delimiter: fc.constantFrom(',', ';', '\t'),
    newline: fc.constantFrom('\n', '\n', '\r\n', '\r'),
    ending: fc.constantFrom('', '\n', '\r\n', '\n\n', ' ', '\r'),
    cells: fc.array(cell, { minLength: 4, maxLength: 40 }),
    times: fc.array(timestamp, { minLength: 40, maxLength: 40 }),
    damage: fc.array(fc.record({ at: fc.nat(400), text: fc.constantFrom('\n', '\r', ',', '"', ' ', ';', '', 'é') }), {
      maxLength: 2,
    }),
  })
  .map(({ columns, header, timestamps, delimiter, newline, ending, cells, times, damage }) => {
    const names = ['a', 'b', 'c', 'd'].slice(0, columns);
    const rows = Array.from({ length: Math.ceil(cells.length / columns) }, (_, i) => [
      ...(timestamps ? [times[i % times.length]] : []),
      ...names.map((_name, j) => cells[i * columns + j] ?? '1'),
    ]);
    if (header) rows.unshift([...(timestamps ? ['time'] : []), ...names]);
    const text = rows.map((row) => row.join(delimiter)).join(newline) + ending;
    return damage.reduce((damaged, { at, text: piece }) => {
      const place = at % (damaged.length + 1);
      return damaged.slice(0, place) + piece + damaged.slice(place + (piece === '' ? 1 : 0));
    }, text);
  });

describe('the fast way through plain CSVs', () => {
  it('reads whatever it reads as the way through text and cells does', function () {
    this.timeout(300_000 + RUNS);
    fc.assert(
      fc.property(
        csvs,
        fc.option(fc.constantFrom(['a'], ['a', 'b'], ['b', 'a']), { nil: undefined }),
        (text, columns) => {
          const csv = Buffer.from(text);
          expect(outcome(openSeries, csv, columns)).to.deep.equal(outcome(openAnySeries, csv, columns));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('does so for files longer than what it looks at first, wherever they stop being plain', () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `${1_700_000_000 + i},${(i % 97) / 8},${-i}`);
    for (const [at, row] of [
      [0, 'time,a,b'],
      [150, ''],
      [150, '1,2,3,4'],
      [19_000, '"1","2","3"'],
      [19_000, ' 1,2,3'],
      [19_999, '1,,'],
      [19_999, ',,'],
      [5000, '1,1e999,3'],
      [5000, `${'9'.repeat(130_000)},1,3`],
      [5000, `1,${'0'.repeat(5000)}1,3`],
    ] as const) {
      for (const newline of ['\n', '\r\n']) {
        const csv = Buffer.from(['time,a,b', ...rows.toSpliced(at, 1, row)].join(newline));
        expect(outcome(openSeries, csv), `${row} at ${at}`).to.deep.equal(outcome(openAnySeries, csv));
      }
    }
  });
});
