import { fillGaps } from './gaps.js';
import { isNumber } from './numbers.js';

/** ISO 8601: a date, or a date and a time, with or without a zone. */
export const ISO_8601 = /^\d{4}-\d{2}(-\d{2})?([T ]\d{2}(:?\d{2}){0,2}([.,]\d+)?\s*(Z|[+-]\d{2}(:?\d{2})?)?)?$/;

// Its parts, of which JavaScript wants minutes, and colons, and no space before the zone.
const DATE_AND_CLOCK = /^([\d-]+)[T ](\d{2})(?::?(\d{2}))?(?::?(\d{2}))?([.,]\d+)?\s*(Z|([+-]\d{2})(?::?(\d{2}))?)?$/;

const CLOCK = /^(\d{2})(?::?(\d{2}))?(?::?(\d{2})([.,]\d+)?)?/;

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
  /** The median time between neighbouring points, in seconds; where most share theirs, of the steps forward. */
  interval: number;
}

/** Measures how points follow each other, by the timestamps that can be read; undefined where most steps go back. */
export function measureSampling(timestamps: string[]): Sampling | undefined {
  const seconds = timestamps.map(toSeconds);
  const steps = seconds.slice(1).map((second, i) => second - seconds[i]);
  const readable = steps.filter(Number.isFinite);
  const median = medianOf(readable);
  const interval = Number((median === 0 ? medianOf(readable.filter((step) => step > 0)) : median).toPrecision(9));
  return interval > 0 ? { interval } : undefined;
}

/** The median, or NaN of nothing. */
function medianOf(values: number[]): number {
  return Float64Array.from(values).sort()[Math.floor(values.length / 2)] ?? NaN;
}

/** Timestamps that are missing or cannot be read. */
export interface UnreadTimestamps {
  count: number;
  /** The first point that has one, counted from 0. */
  point: number;
  /** What stands there. */
  text: string;
}

/** Watches how points follow each other in time. */
export class StepWatch {
  /** How many steps differ from the median by more than half of it. */
  irregularSteps = 0;
  /** The timestamps that could not be read, if there were any. */
  unread: UnreadTimestamps | undefined;
  private points = 0;
  /** The last point with a timestamp that could be read, and its seconds. */
  private last = { point: -1, second: NaN };

  constructor(private readonly sampling: Sampling | undefined) {}

  /** Takes the next timestamp and tells whether there is a gap before it: a step half as long again as the median. */
  comesAfterGap(timestamp: string): boolean {
    const point = this.points++;
    const second = toSeconds(timestamp);
    if (!Number.isFinite(second)) {
      this.unread ??= { count: 0, point, text: timestamp };
      this.unread.count += 1;
      return false;
    }
    const { last } = this;
    this.last = { point, second };
    return this.sampling !== undefined && this.isGap(second - last.second, point - last.point, this.sampling);
  }

  private isGap(seconds: number, steps: number, { interval }: Sampling): boolean {
    const difference = seconds - steps * interval;
    const isIrregular = Math.abs(difference) > TOLERATED_STEP_DIFFERENCE * interval;
    if (isIrregular) this.irregularSteps += 1;
    return isIrregular && difference > 0;
  }
}

function toSeconds(timestamp: string): number {
  if (isNumber(timestamp)) return epochSeconds(timestamp);
  // The engine reads more than that, and guesses.
  if (!ISO_8601.test(timestamp)) return NaN;
  const parsed = Date.parse(timestamp);
  return (Number.isNaN(parsed) ? Date.parse(spelledOut(timestamp)) : parsed) / 1000;
}

/** An ISO 8601 text in the form of it that JavaScript reads. */
function spelledOut(timestamp: string): string {
  return timestamp.replace(DATE_AND_CLOCK, (_, date: string, hour: string, ...rest: (string | undefined)[]) => {
    const [minute = '00', second = '00', fraction = '', zone = '', zoneHours, zoneMinutes = '00'] = rest;
    const offset = zoneHours === undefined ? zone : `${zoneHours}:${zoneMinutes}`;
    return `${date}T${hour}:${minute}:${second}${fraction.replace(',', '.')}${offset}`;
  });
}

/** The seconds of an epoch in seconds, or in a smaller unit where it is as large as that. */
function epochSeconds(timestamp: string): number {
  const epoch = Number(timestamp.replace(',', '.'));
  const size = Math.abs(epoch);
  return epoch * (EPOCH_UNITS.find(({ from }) => size >= from)?.seconds ?? NaN);
}

/**
 * Timestamps in seconds since 1970 by the clock that they were written by, whatever its zone. Those that
 * cannot be read lie on the line between their neighbours; undefined where that is half of them, or where
 * time goes back.
 */
export function risingSeconds(timestamps: readonly string[]): Float64Array | undefined {
  const seconds = Float64Array.from(timestamps, clockSeconds);
  const readable = seconds.reduce((count, second) => count + Number(Number.isFinite(second)), 0);
  if (readable <= seconds.length / 2) return undefined;
  const [{ values }] = fillGaps([{ length: seconds.length, values: seconds }], 1);
  return values.every((second, i) => i === 0 || second >= values[i - 1]) ? values : undefined;
}

function clockSeconds(timestamp: string): number {
  if (isNumber(timestamp)) return epochSeconds(timestamp);
  if (!ISO_8601.test(timestamp)) return NaN;
  const [hours, minutes, seconds, fraction] = (CLOCK.exec(timestamp.slice(11)) ?? []).slice(1);
  const [year, month, day] = [timestamp.slice(0, 4), timestamp.slice(5, 7), timestamp.slice(8, 10)].map(Number);
  const clock = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  return Date.UTC(year, month - 1, day || 1) / 1000 + clock + Number((fraction ?? '0').replace(',', '.'));
}

/** A timestamp for people: an epoch as date and time of UTC, any other as it is. */
export function clockTime(timestamp: string): string {
  const date = new Date(isNumber(timestamp) ? epochSeconds(timestamp) * 1000 : NaN);
  if (Number.isNaN(date.getTime())) return timestamp;
  return date
    .toISOString()
    .replace('T', ' ')
    .replace(/(\.000)?Z$/, '');
}
