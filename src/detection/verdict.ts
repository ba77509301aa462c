import type { Calibration, ModelMetadata } from '../inference/metadata.js';
import type { Reconstruction } from '../inference/model.js';
import { calibrate, errorAtPercentile, rankOf } from './calibration.js';
import type { Series } from './series.js';
import { measureSampling, type Sampling } from './timestamps.js';
import { countFlags, doubts, type Warning } from './warnings.js';

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

/** Whose errors a percentile is taken of. */
export type Reference = 'training' | 'request';

/** Which side of the expected value counts. */
export type DetectionDirection = 'both' | 'above' | 'below';

/** What a caller may ask of the verdict; what is left out is the model's default, or as said here. */
export interface VerdictOptions {
  /** The percentile of the normal errors that the threshold is built on, 0 to 100. */
  percentile?: number;
  /** The factor between that percentile and the threshold, 1 or more. */
  margin?: number;
  /** @default 'training' */
  reference?: Reference;
  /** @default 'both' */
  detectionDirection?: DetectionDirection;
  /**
   * The least deviation of an interval that counts, in the units of the input.
   * @default 0
   */
  minDeviation?: number;
  /**
   * Intervals with fewer points than this between them are joined.
   * @default 0
   */
  mergeGap?: number;
  /**
   * Whether points without a value, and the first point after a gap between timestamps, count as
   * anomalous, or not for that alone. A gap is a step half as long again as the median.
   * @default 'ignore'
   */
  missing?: 'ignore' | 'flag';
}

/**
 * Compares the errors of a series with the threshold, joins what lies above it to intervals, and
 * leaves out those that the caller does not want.
 */
export function judge(
  series: Series,
  reconstruction: Reconstruction,
  metadata: ModelMetadata,
  options: VerdictOptions = {},
): Verdict {
  const { percentile = metadata.defaults.percentile, margin = metadata.defaults.margin } = options;
  const { error } = reconstruction;
  const calibration = options.reference === 'request' ? calibrate(error) : metadata.calibration;
  const threshold = margin * errorAtPercentile(calibration, percentile);
  const sampling = series.timestamps && measureSampling(series.timestamps);
  const gaps = options.missing === 'flag' ? gapsOf(series, sampling) : undefined;
  const flagged = flagPoints(error, threshold, series.missing, gaps);
  const anomalies = joinIntervals(intervalsOf(flagged), options.mergeGap ?? 0)
    .map(([start, end]) => describeInterval(start, end, series, reconstruction, threshold, calibration))
    .filter((anomaly) => counts(anomaly, gaps, options));
  const isAnomaly = new Uint8Array(series.length);
  for (const { start, end } of anomalies) isAnomaly.fill(1, start, end + 1);
  const anomalousPoints = countFlags(isAnomaly);
  const warnings = doubts(series, sampling, metadata, calibration, percentile, flagged);
  return { percentile, margin, threshold, isAnomaly, anomalousPoints, anomalies, warnings };
}

function describeInterval(
  start: number,
  end: number,
  series: Series,
  { error, columnError, expected }: Reconstruction,
  threshold: number,
  calibration: Calibration,
): Anomaly {
  const peak = largestBetween(error, start, end);
  const columns = blame(columnError, series.columns, start, end);
  return {
    start,
    end,
    peak,
    ...timestampsOf(series, start, end),
    error: error[peak],
    score: scoreOf(error[peak], threshold),
    rank: rankOf(calibration, error[peak]),
    columns,
    deviation: largestDeviation(series, expected, series.columns.indexOf(columns[0].column), start, end),
  };
}

function flagPoints(
  error: Float32Array,
  threshold: number,
  missing: Uint8Array,
  gaps: Uint8Array | undefined,
): Uint8Array {
  const flagged = new Uint8Array(error.length);
  // A loop, since Uint8Array.from() takes ten times as long.
  for (let i = 0; i < flagged.length; i++) {
    if (gaps?.[i] || (!missing[i] && error[i] > threshold)) flagged[i] = 1;
  }
  return flagged;
}

/** 1 where a point lacks a value or comes after a gap between timestamps. */
function gapsOf({ missing }: Series, sampling: Sampling | undefined): Uint8Array {
  const gaps = missing.slice();
  for (const point of sampling?.afterGap ?? []) gaps[point] = 1;
  return gaps;
}

function counts({ deviation, start, end }: Anomaly, gaps: Uint8Array | undefined, options: VerdictOptions): boolean {
  const { detectionDirection = 'both', minDeviation = 0 } = options;
  if (gaps?.subarray(start, end + 1).includes(1)) return true;
  if (Math.abs(deviation) < minDeviation) return false;
  return detectionDirection === 'both' || (detectionDirection === 'above' ? deviation > 0 : deviation < 0);
}

function joinIntervals(intervals: [start: number, end: number][], mergeGap: number): [start: number, end: number][] {
  return intervals.reduce<[number, number][]>((joined, [start, end]) => {
    const last = joined.at(-1);
    if (last && start - last[1] - 1 < mergeGap) last[1] = end;
    else joined.push([start, end]);
    return joined;
  }, []);
}

function largestDeviation(
  { values, columns }: Series,
  expected: Float64Array,
  column: number,
  start: number,
  end: number,
): number {
  let largest = 0;
  for (let i = start; i <= end; i++) {
    const place = i * columns.length + column;
    const deviation = values[place] - expected[place];
    if (Math.abs(deviation) > Math.abs(largest)) largest = deviation;
  }
  return largest;
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
