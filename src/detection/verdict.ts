import type { ModelColumn, ModelMetadata } from '../inference/metadata.js';
import type { Reconstruction } from '../inference/model.js';
import { errorAtPercentile, rankOf } from './calibration.js';
import type { Series } from './series.js';

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
}

/** A reason to doubt the verdict. */
export interface Warning {
  /** A stable name. */
  code: 'OUTSIDE_TRAINING_RANGE' | 'MODEL_DOES_NOT_FIT';
  /** The same for people. */
  message: string;
}

/** Where a series goes wrong. */
export interface Verdict {
  /** The percentile of the normal errors that the threshold is built on, 0 to 100. */
  percentile: number;
  /** The factor between that percentile and the threshold. */
  margin: number;
  /** A point is anomalous where its error is above this. */
  threshold: number;
  /** 1 for an anomalous point, else 0, shape [n]. */
  isAnomaly: Uint8Array;
  /** How many points are anomalous. */
  anomalousPoints: number;
  /** The anomalous points as intervals, in order. */
  anomalies: Anomaly[];
  /** Reasons to doubt the verdict. */
  warnings: Warning[];
}

/** What a caller may ask of the verdict; what is left out is the model's default. */
export interface VerdictOptions {
  /** The percentile of the normal errors that the threshold is built on, 0 to 100. */
  percentile?: number;
}

// Ten times what the percentile promises on normal data (or half of all that it does not promise, if
// that is less), and never less than a tenth of the series, is no longer a matter of anomalies.
const TOLERATED_EXCESS = 10;
const TOLERATED_SHARE = 0.1;

/** Compares the errors of a series with the threshold and gathers what lies above it. */
export function judge(
  series: Series,
  reconstruction: Reconstruction,
  metadata: ModelMetadata,
  options: VerdictOptions = {},
): Verdict {
  const percentile = options.percentile ?? metadata.defaults.percentile;
  const { margin } = metadata.defaults;
  const threshold = margin * errorAtPercentile(metadata.calibration, percentile);
  const { error } = reconstruction;
  const isAnomaly = Uint8Array.from(error, (value) => (value > threshold ? 1 : 0));
  const anomalies = intervalsOf(isAnomaly).map(([start, end]) => {
    const peak = largestBetween(error, start, end);
    return {
      start,
      end,
      peak,
      ...timestampsOf(series, start, end),
      error: error[peak],
      score: scoreOf(error[peak], threshold),
      rank: rankOf(metadata.calibration, error[peak]),
      columns: blame(reconstruction.columnError, series.columns, start, end),
    };
  });
  const anomalousPoints = anomalies.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  const warnings = [
    ...rangeWarnings(series, metadata.columns),
    ...fitWarnings(anomalousPoints / series.length, percentile),
  ];
  return { percentile, margin, threshold, isAnomaly, anomalousPoints, anomalies, warnings };
}

/** An error over the threshold: 1 at the threshold. */
export function scoreOf(error: number, threshold: number): number {
  // A threshold of 0 (normal data reconstructed without any error) would give no finite score.
  return error / Math.max(threshold, Number.EPSILON);
}

function intervalsOf(isAnomaly: Uint8Array): [start: number, end: number][] {
  const intervals: [number, number][] = [];
  for (let start = isAnomaly.indexOf(1); start >= 0;) {
    const after = isAnomaly.indexOf(0, start);
    const end = (after < 0 ? isAnomaly.length : after) - 1;
    intervals.push([start, end]);
    start = after < 0 ? -1 : isAnomaly.indexOf(1, after);
  }
  return intervals;
}

function largestBetween(error: Float32Array, start: number, end: number): number {
  let peak = start;
  for (let i = start + 1; i <= end; i++) if (error[i] > error[peak]) peak = i;
  return peak;
}

function timestampsOf({ timestamps }: Series, start: number, end: number) {
  return timestamps ? { startTimestamp: timestamps[start], endTimestamp: timestamps[end] } : {};
}

function blame(columnError: Float32Array, columns: string[], start: number, end: number): ColumnShare[] {
  const sums = columns.map((_, j) => {
    let sum = 0;
    for (let i = start; i <= end; i++) sum += columnError[i * columns.length + j];
    return sum;
  });
  const total = sums.reduce((a, b) => a + b, 0);
  return columns
    .map((column, j) => ({ column, share: total > 0 ? sums[j] / total : 1 / columns.length }))
    .sort((a, b) => b.share - a.share);
}

function rangeWarnings(series: Series, columns: ModelColumn[]): Warning[] {
  return columns.flatMap(({ name, min, max }, j) => {
    let outside = 0;
    for (let k = j; k < series.values.length; k += columns.length) {
      if (series.values[k] < min || series.values[k] > max) outside += 1;
    }
    if (outside === 0) return [];
    const message =
      `Column "${name}" leaves the range of the training data (${min} to ${max}) ` +
      `at ${outside} of ${series.length} points: the model has seen nothing like them.`;
    return [{ code: 'OUTSIDE_TRAINING_RANGE' as const, message }];
  });
}

function fitWarnings(share: number, percentile: number): Warning[] {
  const promised = 1 - percentile / 100;
  const tolerated = Math.min(TOLERATED_EXCESS * promised, (1 + promised) / 2);
  if (share <= Math.max(TOLERATED_SHARE, tolerated)) return [];
  const message =
    `${(share * 100).toFixed(1)} % of the points are flagged, where normal data gave ` +
    `${Number((promised * 100).toPrecision(3))} %: the model does not seem to fit this series.`;
  return [{ code: 'MODEL_DOES_NOT_FIT', message }];
}
