import type { Calibration } from '../inference/metadata.js';
import type { Reconstruction } from '../inference/model.js';
import { shortestFloat } from './byte-writer.js';
import { rankOf } from './calibration.js';
import type { SeriesBlock } from './cell-block.js';

/** How much of an interval's error a column has. */
export interface ColumnShare {
  /** The column's name. */
  column: string;
  /** Its share of the interval's error, 0 to 1. */
  share: number;
}

/** A run of neighbouring anomalous points. */
export interface Anomaly {
  /** The first point, counted from 0. */
  start: number;
  /** The last point, counted from 0. */
  end: number;
  /** The point with the largest error. */
  peak: number;
  /** The timestamp of the first point, where the series has timestamps. */
  startTimestamp?: string;
  /** The timestamp of the last point, where the series has timestamps. */
  endTimestamp?: string;
  /** The reconstruction error at the peak, in scaled units. */
  error: number;
  /** That error over the threshold: above 1. */
  score: number;
  /** The share of normal errors that lie below that error, 0 to 1. */
  rank: number;
  /** The columns by their share of the interval's error, the largest first. */
  columns: ColumnShare[];
  /**
   * In the first of these columns the largest difference between value and expected value within the
   * interval, in the units of the input: positive where the value is above.
   */
  deviation: number;
}

/** An interval while its points come. */
export class Interval {
  start = -1;
  end = -1;
  /** Whether it holds a point that is flagged for a missing value or a gap between timestamps. */
  hasGap = false;
  private peak = -1;
  private error = -1;
  private startTimestamp: string | undefined;
  private endTimestamp: string | undefined;
  /** The sum of the errors of each column. */
  private readonly columnErrors: Float64Array;
  /** In each column the largest difference between value and expected value. */
  private readonly deviations: Float64Array;

  /** @param width value columns */
  constructor(width: number) {
    this.columnErrors = new Float64Array(width);
    this.deviations = new Float64Array(width);
  }

  /** How many points there are. */
  get length(): number {
    return this.start < 0 ? 0 : this.end - this.start + 1;
  }

  /** Takes the next point, which stands in a row of a block. */
  add(block: SeriesBlock & { reconstruction: Reconstruction }, row: number, point: number, isGap: boolean): void {
    const { error, columnError, expected } = block.reconstruction;
    const timestamp = block.timestamps?.[row];
    if (this.start < 0) {
      this.start = point;
      this.startTimestamp = timestamp;
    }
    this.end = point;
    this.endTimestamp = timestamp;
    this.hasGap ||= isGap;
    this.raisePeak(error[row], point);
    const width = this.deviations.length;
    for (let j = 0; j < width; j++) {
      const place = row * width + j;
      this.columnErrors[j] += columnError[place];
      this.raiseDeviation(j, block.values[place] - expected[place]);
    }
  }

  /** Takes the points of another interval, which starts where this one ends. */
  join(next: Interval): void {
    this.end = next.end;
    this.endTimestamp = next.endTimestamp;
    this.hasGap ||= next.hasGap;
    this.raisePeak(next.error, next.peak);
    next.columnErrors.forEach((error, j) => (this.columnErrors[j] += error));
    next.deviations.forEach((deviation, j) => this.raiseDeviation(j, deviation));
  }

  /** What is said of the interval. */
  describe(columns: string[], threshold: number, calibration: Calibration): Anomaly {
    const { start, end, peak, error, startTimestamp, endTimestamp } = this;
    const shares = this.blame(columns);
    return {
      ...{ start, end, peak },
      ...(startTimestamp !== undefined && { startTimestamp, endTimestamp }),
      error: shortestFloat(error),
      score: shortestFloat(scoreOf(error, threshold)),
      rank: rankOf(calibration, error),
      columns: shares,
      deviation: this.deviations[columns.indexOf(shares[0].column)],
    };
  }

  private raisePeak(error: number, point: number): void {
    if (error <= this.error) return;
    this.error = error;
    this.peak = point;
  }

  private raiseDeviation(column: number, deviation: number): void {
    if (Math.abs(deviation) > Math.abs(this.deviations[column])) this.deviations[column] = deviation;
  }

  private blame(columns: string[]): ColumnShare[] {
    const total = this.columnErrors.reduce((a, b) => a + b, 0);
    return columns
      .map((column, j) => ({ column, share: total > 0 ? this.columnErrors[j] / total : 1 / columns.length }))
      .sort((a, b) => b.share - a.share);
  }
}

/** An error over the threshold: 1 at the threshold. */
export function scoreOf(error: number, threshold: number): number {
  // A threshold of 0 (normal data reconstructed without any error) would give no finite score.
  return error / Math.max(threshold, Number.EPSILON);
}
