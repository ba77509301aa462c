/** A place on an axis and what is written there. */
export interface Tick {
  place: number;
  label: string;
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const CLOCK_STEPS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
];
const DAY_STEPS = [1, 2, 7, 14].map((days) => days * DAY);
const MONTH_STEPS = [1, 3, 6, 12, 24, 60, 120, 600, 1200, 6000];
const MONTH = 30.44 * DAY;
// The first of January 1970 was a Thursday; weeks start on Mondays.
const FIRST_MONDAY = 4 * DAY;

const whole = new Intl.NumberFormat('en');
const utc = (options: Intl.DateTimeFormatOptions) => {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options });
  return (seconds: number) => format.format(seconds * 1000);
};
const day = utc({ day: 'numeric', month: 'short', year: 'numeric' });
const dayOfYear = utc({ day: 'numeric', month: 'short' });
const month = utc({ month: 'short' });
const year = utc({ year: 'numeric' });
const minutes = utc({ hour: '2-digit', minute: '2-digit' });
const clock = utc({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
const instant = utc({ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });

/** Ticks at round times, or at round numbers of points where there are no times to be read. */
export function ticksOf(from: number, to: number, most: number, seconds?: Float64Array): Tick[] {
  const ticks = seconds ? timeTicks(seconds, from, to, most) : [];
  return ticks.length > 0 ? ticks : pointTicks(from, to, most);
}

/**
 * Ticks at round times, a second line where the day or the year changes.
 *
 * @param seconds when each point was, never falling
 * @param most how many ticks there is room for
 */
function timeTicks(seconds: Float64Array, from: number, to: number, most: number): Tick[] {
  const [first, last] = [Math.max(0, Math.ceil(from)), Math.min(seconds.length - 1, Math.floor(to))];
  const span = seconds[last] - seconds[first];
  if (!(span > 0)) return [];
  const { times, label, context } = chooseStep(seconds[first], seconds[last], span / most);
  const apart = (to - from) / most / 1.5;
  const ticks: Tick[] = [];
  let said = '';
  for (const time of times) {
    const place = indexOf(seconds, time);
    if (ticks.length > 0 && place - ticks[ticks.length - 1].place < apart) continue;
    const around = context(time);
    ticks.push({ place, label: around === said ? label(time) : `${label(time)}\n${around}` });
    said = around;
  }
  return ticks;
}

interface Step {
  times: number[];
  label: (seconds: number) => string;
  context: (seconds: number) => string;
}

function chooseStep(from: number, to: number, least: number): Step {
  const step = CLOCK_STEPS.find((candidate) => candidate >= least);
  if (step !== undefined) {
    const label = step < 1 ? instant : step < MINUTE ? clock : minutes;
    return { times: multiples(from, to, step, 0), label, context: day };
  }
  const days = DAY_STEPS.find((candidate) => candidate >= least);
  if (days !== undefined) {
    const origin = days >= 7 * DAY ? FIRST_MONDAY : 0;
    return { times: multiples(from, to, days, origin), label: dayOfYear, context: year };
  }
  const months = MONTH_STEPS.find((candidate) => candidate * MONTH >= least) ?? MONTH_STEPS[MONTH_STEPS.length - 1];
  const times = monthStarts(from, to, months);
  return months < 12 ? { times, label: month, context: year } : { times, label: year, context: () => '' };
}

function multiples(from: number, to: number, step: number, origin: number): number[] {
  const first = Math.ceil((from - origin) / step);
  const count = Math.max(0, Math.floor((to - origin) / step) - first + 1);
  return Array.from({ length: count }, (_, k) => origin + Number(((first + k) * step).toFixed(3)));
}

function monthStarts(from: number, to: number, step: number): number[] {
  const date = new Date(from * 1000);
  const months = date.getUTCFullYear() * 12 + date.getUTCMonth();
  const times: number[] = [];
  for (let at = Math.ceil(months / step) * step; ; at += step) {
    const time = Date.UTC(Math.floor(at / 12), at % 12, 1) / 1000;
    if (time > to) return times;
    if (time >= from) times.push(time);
  }
}

/** Where in rising seconds a time lies, between two points if need be. */
function indexOf(seconds: Float64Array, time: number): number {
  let [low, high] = [0, seconds.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (seconds[middle] <= time) low = middle;
    else high = middle;
  }
  const step = seconds[high] - seconds[low];
  return step > 0 ? low + (time - seconds[low]) / step : low;
}

/** Ticks at round numbers of points. */
function pointTicks(from: number, to: number, most: number): Tick[] {
  const least = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least) ?? 10 * power;
  const first = Math.ceil(from / step);
  const amount = Math.max(0, Math.floor(to / step) - first + 1);
  return Array.from({ length: amount }, (_, k) => ({
    place: (first + k) * step,
    label: whole.format((first + k) * step),
  }));
}
