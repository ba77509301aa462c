import type { Calibration, ModelColumn, ModelMetadata } from '../inference/metadata.js';
import type { Reconstruction } from '../inference/model.js';
import { calibrate, errorAtPercentile, rankOf } from './calibration.js';
import type { Series } from './series.js';
import { samplingInterval } from './timestamps.js';

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

/** A reason to doubt the verdict. */
export interface Warning {
  /** A stable name. */
  code:
    | 'OUTSIDE_TRAINING_RANGE'
    | 'MODEL_DOES_NOT_FIT'
    | 'PERCENTILE_BEYOND_DATA'
    | 'MISSING_VALUES'
    | 'SAMPLING_INTERVAL_DIFFERS';
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
   * Whether points without a value are passed over or count as anomalous.
   * @default 'ignore'
   */
  missing?: 'ignore' | 'flag';
}

// Ten times what the percentile promises on normal data (or half of all that it does not promise, if
// that is less), and never less than a tenth of the series, is no longer a matter of anomalies.
const TOLERATED_EXCESS = 10;
const TOLERATED_SHARE = 0.1;
const TOLERATED_INTERVAL_DIFFERENCE = 0.1;

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
  const flagged = Uint8Array.from(error, (value, i) =>
    series.missing[i] ? Number(options.missing === 'flag') : Number(value > threshold),
  );
  const anomalies = joinIntervals(intervalsOf(flagged), options.mergeGap ?? 0)
    .map(([start, end]) => describeInterval(start, end, series, reconstruction, threshold, calibration))
    .filter((anomaly) => counts(anomaly, series, options));
  const isAnomaly = new Uint8Array(series.length);
  for (const { start, end } of anomalies) isAnomaly.fill(1, start, end + 1);
  const anomalousPoints = isAnomaly.reduce((sum, flag) => sum + flag, 0);
  const warnings = [
    ...rangeWarnings(series, metadata.columns),
    ...missingWarnings(series),
    ...samplingWarnings(series, metadata),
    ...percentileWarnings(calibration, percentile),
    ...fitWarnings(flagged.reduce((sum, flag) => sum + flag, 0) / series.length, percentile),
  ];
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

function counts({ deviation, start, end }: Anomaly, series: Series, options: VerdictOptions): boolean {
  const { detectionDirection = 'both', minDeviation = 0, missing } = options;
  if (missing === 'flag' && series.missing.subarray(start, end + 1).includes(1)) return true;
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

function missingWarnings({ missing, length }: Series): Warning[] {
  const count = missing.reduce((sum, flag) => sum + flag, 0);
  if (count === 0) return [];
  const message = `${count} of ${length} points lack a value: the straight line between their neighbours stands in.`;
  return [{ code: 'MISSING_VALUES', message }];
}

function samplingWarnings({ timestamps }: Series, { samplingInterval: trained }: ModelMetadata): Warning[] {
  const interval = timestamps && samplingInterval(timestamps);
  if (interval === undefined || trained === undefined) return [];
  if (Math.abs(interval / trained - 1) <= TOLERATED_INTERVAL_DIFFERENCE) return [];
  const message = `The points are ${interval} s apart, those of the training data ${trained} s: shapes have another length.`;
  return [{ code: 'SAMPLING_INTERVAL_DIFFERS', message }];
}

function percentileWarnings({ points }: Calibration, percentile: number): Warning[] {
  const finest = 100 * (1 - 1 / points);
  if (percentile <= finest || percentile === 100) return [];
  const message =
    `${points} normal errors cannot tell the percentile ${percentile} from the largest of them: ` +
    `they show percentiles up to ${Number(finest.toPrecision(6))}.`;
  return [{ code: 'PERCENTILE_BEYOND_DATA', message }];
}
