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

/** How many points the sampling of a series is measured on: its first ones. */
export const SAMPLING_POINTS = 65_536;

/** How the points of a series follow each other in time. */
export interface Sampling {
  /** The median time between neighbouring points, in seconds. */
  interval: number;
}

/** Measures how points follow each other, where all timestamps can be read and most of them rise. */
export function measureSampling(timestamps: string[]): Sampling | undefined {
  const seconds = timestamps.map(toSeconds);
  const steps = seconds.slice(1).map((second, i) => second - seconds[i]);
  if (steps.length === 0 || !steps.every(Number.isFinite)) return undefined;
  const median = Float64Array.from(steps).sort()[Math.floor(steps.length / 2)];
  const interval = Number(median.toPrecision(9));
  return interval > 0 ? { interval } : undefined;
}

/** Watches how points follow each other in time. */
export class StepWatch {
  /** How many steps differ from the median by more than half of it. */
  irregularSteps = 0;
  private last = NaN;

  constructor(private readonly sampling: Sampling) {}

  /** Takes the next timestamp and tells whether there is a gap before it: a step half as long again as the median. */
  comesAfterGap(timestamp: string): boolean {
    const second = toSeconds(timestamp);
    const difference = second - this.last - this.sampling.interval;
    this.last = second;
    const isIrregular = Math.abs(difference) > TOLERATED_STEP_DIFFERENCE * this.sampling.interval;
    if (isIrregular) this.irregularSteps += 1;
    return isIrregular && difference > 0;
  }
}

function toSeconds(timestamp: string): number {
  if (!isNumber(timestamp)) return Date.parse(timestamp.replace(',', '.')) / 1000;
  const epoch = Number(timestamp);
  return epoch * (EPOCH_UNITS.find(({ from }) => epoch >= from)?.seconds ?? NaN);
}
