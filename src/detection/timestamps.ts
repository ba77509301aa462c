import { isNumber } from './numbers.js';

/** ISO 8601: a date, or a date and a time, with or without a zone. */
export const ISO_8601 = /^\d{4}-\d{2}(-\d{2})?([T ]\d{2}(:?\d{2}){0,2}([.,]\d+)?\s*(Z|[+-]\d{2}(:?\d{2})?)?)?$/;

// An epoch of more digits than seconds have is in milliseconds, microseconds or nanoseconds.
const EPOCH_UNITS = [
  { from: 1e17, seconds: 1e-9 },
  { from: 1e14, seconds: 1e-6 },
  { from: 1e11, seconds: 1e-3 },
  { from: 0, seconds: 1 },
];

// A step that differs from the median by more than this share of it is not of the regular ones.
const TOLERATED_STEP_DIFFERENCE = 0.5;

/** How the points of a series follow each other in time. */
export interface Sampling {
  /** The median time between neighbouring points, in seconds. */
  interval: number;
  /** How many steps differ from it by more than half of it. */
  irregularSteps: number;
  /** The points that come after a longer step than that: those after a gap. */
  afterGap: number[];
}

/** Measures how points follow each other, where all timestamps can be read and most of them rise. */
export function measureSampling(timestamps: string[]): Sampling | undefined {
  const seconds = timestamps.map(toSeconds);
  const steps = seconds.slice(1).map((second, i) => second - seconds[i]);
  if (steps.length === 0 || !steps.every(Number.isFinite)) return undefined;
  const median = Float64Array.from(steps).sort()[Math.floor(steps.length / 2)];
  const interval = Number(median.toPrecision(9));
  if (interval <= 0) return undefined;
  const tolerated = TOLERATED_STEP_DIFFERENCE * interval;
  const afterGap = steps.flatMap((step, i) => (step - interval > tolerated ? [i + 1] : []));
  const irregularSteps = steps.filter((step) => Math.abs(step - interval) > tolerated).length;
  return { interval, irregularSteps, afterGap };
}

function toSeconds(timestamp: string): number {
  if (!isNumber(timestamp)) return Date.parse(timestamp.replace(',', '.')) / 1000;
  const epoch = Number(timestamp);
  return epoch * (EPOCH_UNITS.find(({ from }) => epoch >= from)?.seconds ?? NaN);
}
