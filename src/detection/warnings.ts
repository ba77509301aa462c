import { quote } from '../errors.js';
import type { Calibration, ModelColumn, ModelMetadata } from '../inference/metadata.js';
import { decimalsOf } from './numbers.js';
import type { Sampling, UnreadTimestamps } from './timestamps.js';

/** A reason to doubt the verdict. */
export interface Warning {
  /** A stable name. */
  code:
    | 'OUTSIDE_TRAINING_RANGE'
    | 'MODEL_DOES_NOT_FIT'
    | 'PERCENTILE_BEYOND_DATA'
    | 'MISSING_VALUES'
    | 'TIMESTAMPS_NOT_READ'
    | 'IRREGULAR_TIMESTAMPS'
    | 'SAMPLING_INTERVAL_DIFFERS';
  /** The same for people. */
  message: string;
}

// Ten times what the percentile promises on normal data (or half of all that it does not promise, if
// that is less), and never less than a tenth of the series, is no longer a matter of anomalies.
const TOLERATED_EXCESS = 10;
const TOLERATED_SHARE = 0.1;
const TOLERATED_INTERVAL_DIFFERENCE = 0.1;
// A range is told to a thousandth of its width.
const DIGITS_OF_RANGE = 3;
// More cannot be asked for.
const MOST_DECIMALS = 100;

/** What speaks for or against a verdict, counted while the points come. */
export interface Counts {
  /** Points. */
  length: number;
  /** For each column the points at which it leaves the range of the training data. */
  outside: number[];
  /** Points that lack a value. */
  missing: number;
  /** Points that were flagged, before the caller's wishes for intervals. */
  flagged: number;
  /** Steps between timestamps that differ from the median by more than half of it. */
  irregularSteps: number;
  /** Timestamps that are missing or cannot be read, with the row of the first, where the series is a CSV. */
  unreadTimestamps?: UnreadTimestamps & { row?: number };
}

/**
 * The reasons to doubt a verdict.
 *
 * @param sampling how the timestamps follow each other, where there are any that can be read
 * @param calibration the errors that `percentile` was taken of
 */
export function doubts(
  counts: Counts,
  sampling: Sampling | undefined,
  metadata: ModelMetadata,
  calibration: Calibration,
  percentile: number,
): Warning[] {
  return [
    ...rangeWarnings(counts, metadata.columns),
    ...missingWarnings(counts),
    ...timestampWarnings(counts),
    ...samplingWarnings(counts, sampling, metadata),
    ...percentileWarnings(calibration, percentile),
    ...fitWarnings(counts.flagged / counts.length, percentile),
  ];
}

function rangeWarnings({ outside, length }: Counts, columns: ModelColumn[]): Warning[] {
  return columns.flatMap(({ name, min, max }, j) => {
    if (outside[j] === 0) return [];
    const [low, high] = [min, max].map((bound) => roundedWithin(bound, max - min));
    const message =
      `Column "${name}" leaves the range of the training data (${low} to ${high}) ` +
      `at ${outside[j]} of ${length} points: the model has seen nothing like them.`;
    return [{ code: 'OUTSIDE_TRAINING_RANGE' as const, message }];
  });
}

/** A bound of a range without the digits that say nothing beside its width. */
function roundedWithin(bound: number, width: number): number {
  const decimals = Math.max(decimalsOf(width) + DIGITS_OF_RANGE, 0);
  return decimals <= MOST_DECIMALS ? Number(bound.toFixed(decimals)) : bound;
}

function fitWarnings(share: number, percentile: number): Warning[] {
  const promised = 1 - percentile / 100;
  const tolerated = Math.min(TOLERATED_EXCESS * promised, (1 + promised) / 2);
  if (share <= Math.max(TOLERATED_SHARE, tolerated)) return [];
  const message =
    `${(share * 100).toFixed(1)} % of the points are flagged, where normal data gave ` +
    `${Number((promised * 100).toPrecision(3))} %: much of the series is anomalous, or the model does not fit it.`;
  return [{ code: 'MODEL_DOES_NOT_FIT', message }];
}

function missingWarnings({ missing, length }: Counts): Warning[] {
  if (missing === 0) return [];
  const message = `${missing} of ${length} points lack a value: the straight line between their neighbours stands in.`;
  return [{ code: 'MISSING_VALUES', message }];
}

function timestampWarnings({ length, unreadTimestamps }: Counts): Warning[] {
  if (!unreadTimestamps) return [];
  const { count, point, row, text } = unreadTimestamps;
  const where = row === undefined ? `at point ${point}` : `in row ${row}`;
  const message =
    `${count} of ${length} timestamps cannot be read, the first ${where}: expected ISO 8601, such as ` +
    `2024-01-31T10:00:00Z, or an epoch, got ${quote(text)}. They are carried through as they came.`;
  return [{ code: 'TIMESTAMPS_NOT_READ', message }];
}

function samplingWarnings(
  { length, irregularSteps }: Counts,
  sampling: Sampling | undefined,
  { samplingInterval: trained }: ModelMetadata,
): Warning[] {
  if (!sampling) return [];
  const { interval } = sampling;
  const warnings: Warning[] = [];
  if (irregularSteps > 0) {
    const message =
      `${irregularSteps} of ${length - 1} steps between timestamps differ from the median of ${interval} s ` +
      `by more than half of it: the points count as equally spaced all the same.`;
    warnings.push({ code: 'IRREGULAR_TIMESTAMPS', message });
  }
  if (trained !== undefined && Math.abs(interval / trained - 1) > TOLERATED_INTERVAL_DIFFERENCE) {
    const message = `The points are ${interval} s apart, those of the training data ${trained} s: shapes have another length.`;
    warnings.push({ code: 'SAMPLING_INTERVAL_DIFFERS', message });
  }
  return warnings;
}

function percentileWarnings({ points }: Calibration, percentile: number): Warning[] {
  const finest = 100 * (1 - 1 / points);
  if (percentile <= finest || percentile === 100) return [];
  const message =
    `${points} normal errors cannot tell the percentile ${percentile} from the largest of them: ` +
    `they show percentiles up to ${Number(finest.toPrecision(6))}.`;
  return [{ code: 'PERCENTILE_BEYOND_DATA', message }];
}
