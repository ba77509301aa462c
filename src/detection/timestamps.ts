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

/** The median time between neighbouring points in seconds, where the timestamps can be read. */
export function samplingInterval(timestamps: string[]): number | undefined {
  const seconds = timestamps.map(toSeconds);
  const differences = seconds.slice(1).map((second, i) => second - seconds[i]);
  if (differences.length === 0 || !differences.every(Number.isFinite)) return undefined;
  const median = Number(differences.sort((a, b) => a - b)[Math.floor(differences.length / 2)].toPrecision(9));
  return median > 0 ? median : undefined;
}

function toSeconds(timestamp: string): number {
  if (!isNumber(timestamp)) return Date.parse(timestamp.replace(',', '.')) / 1000;
  const epoch = Number(timestamp);
  return epoch * (EPOCH_UNITS.find(({ from }) => epoch >= from)?.seconds ?? NaN);
}
