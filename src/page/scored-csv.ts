import { calibrate } from '../detection/calibration.js';
import { measureSampling } from '../detection/timestamps.js';
import { doubts } from '../detection/warnings.js';
import type { ModelDescription } from '../inference/metadata.js';
import type { Scored } from './rejudge.js';
import { type PackedTimes, isTimeColumn, packTimes } from './times.js';

/** A scored series as it crosses threads. */
export type PackedScored = Omit<Scored, 'times'> & { times?: PackedTimes };

/**
 * What to ask `/compute` for: every point counts as anomalous then except those without a value, which
 * is how the CSV tells which they are. Errors and expected values are the same whatever is asked.
 */
export const scoringOptions = { percentile: '0', margin: '1', reference: 'request' };

const SAMPLE_ROWS = 99;
const FIRST_CAPACITY = 65_536;

/** Takes the rows of the server's scored CSV and makes of them what the page shows. */
export class ScoredReader {
  private length = 0;
  private capacity = FIRST_CAPACITY;
  private readonly columns: string[];
  private values: Float64Array;
  private expected: Float64Array;
  private error = new Float32Array(FIRST_CAPACITY);
  private missing = new Uint8Array(FIRST_CAPACITY);
  private header?: {
    valuePlaces: number[];
    firstOwn: number;
    texts: { name: string; place: number; cells: string[] }[];
  };

  constructor(private readonly model: ModelDescription) {
    this.columns = model.columns.map(({ name }) => name);
    this.values = new Float64Array(FIRST_CAPACITY * this.columns.length);
    this.expected = new Float64Array(FIRST_CAPACITY * this.columns.length);
  }

  /** Takes the cells of the next row; those of the header come first. */
  add(cells: string[]): void {
    if (!this.header) this.readHeader(cells);
    else this.readRow(cells, this.header);
  }

  /** All of it, once every row was added. */
  finish(): PackedScored {
    const { length, columns, model } = this;
    const width = columns.length;
    const values = this.values.subarray(0, length * width);
    const error = this.error.slice(0, length);
    const missing = withValuesWhereSmallest(this.missing.slice(0, length), error);
    const labels = this.timestamps();
    const sampling = labels && measureSampling(labels);
    const gaps = missing.slice();
    for (const point of sampling?.afterGap ?? []) gaps[point] = 1;
    const series = { length, columns, values, missing, layout: [] };
    // At the last percentile and with no flag there is no doubt about the threshold.
    const warnings = doubts(series, sampling, model, model.calibration, 100, new Uint8Array(length));
    return {
      ...{ length, columns, error, missing, gaps, warnings },
      values: values.slice(),
      expected: this.expected.slice(0, length * width),
      calibration: calibrate(error),
      ...(labels && { times: packTimes(labels) }),
    };
  }

  private readHeader(names: string[]): void {
    const { columns } = this;
    // Behind the input's columns: one or several with what was expected, then error, score, isAnomaly.
    const firstOwn = names.length - columns.length - 3;
    const own = names.slice(0, firstOwn);
    const valuePlaces = columns.map((column) => own.indexOf(column));
    const texts = own.flatMap((name, place) => (valuePlaces.includes(place) ? [] : [{ name, place, cells: [] }]));
    this.header = { valuePlaces, firstOwn, texts };
  }

  private readRow(cells: string[], { valuePlaces, firstOwn, texts }: NonNullable<typeof this.header>): void {
    const width = valuePlaces.length;
    const i = this.length;
    if (i === this.capacity) this.grow();
    for (let j = 0; j < width; j++) {
      this.values[i * width + j] = Number(cells[valuePlaces[j]]);
      this.expected[i * width + j] = Number(cells[firstOwn + j]);
    }
    this.error[i] = Number(cells[firstOwn + width]);
    this.missing[i] = cells[firstOwn + width + 2] === 'false' ? 1 : 0;
    for (const { place, cells: carried } of texts) carried.push(cells[place]);
    this.length += 1;
  }

  private timestamps(): string[] | undefined {
    return this.header?.texts.find(({ name, cells }) => isTimeColumn(name, cells.slice(0, SAMPLE_ROWS)))?.cells;
  }

  private grow(): void {
    this.capacity *= 2;
    this.values = copied(this.values, new Float64Array(this.capacity * this.columns.length));
    this.expected = copied(this.expected, new Float64Array(this.capacity * this.columns.length));
    this.error = copied(this.error, new Float32Array(this.capacity));
    this.missing = copied(this.missing, new Uint8Array(this.capacity));
  }
}

/** The smallest error of all is not above itself, and so its point is not flagged though it has a value. */
function withValuesWhereSmallest(unflagged: Uint8Array, error: Float32Array): Uint8Array {
  const smallest = error.reduce((a, b) => Math.min(a, b), Infinity);
  unflagged.forEach((_, i) => {
    if (error[i] <= smallest) unflagged[i] = 0;
  });
  return unflagged;
}

function copied<T extends Float64Array | Float32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
