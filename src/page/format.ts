import { decimalsOf } from '../detection/numbers.js';

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });
const hundredths = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
// Beyond them zeros would have to be counted.
const LARGE = 1e15;
const SMALL = 1e-4;
const MOST_PLAIN_DECIMALS = 5;
// As many as a double has.
const MOST_DIGITS = 17;
const READING_DECIMALS = 3;

/** A number of things: `1 point`, `28,000 points`. */
export function count(n: number, what: string): string {
  return `${whole.format(n)} ${what}${n === 1 ? '' : 's'}`;
}

/** A whole number with its thousands set apart. */
export function integer(n: number): string {
  return whole.format(n);
}

/** A measured number, to four digits. */
export function measure(value: number): string {
  if (Number.isNaN(value)) return '';
  const magnitude = Math.abs(value);
  if (magnitude >= LARGE || (magnitude > 0 && magnitude < SMALL)) return value.toExponential(2);
  return short.format(value);
}

/** What is written at a tick of an axis whose ticks are `step` apart, so that it differs from its neighbours. */
export function tickLabel(value: number, step: number): string {
  // Of a step of 2.5 every other tick has a decimal more than its size tells.
  const isHalf = Math.round(step * 10 ** decimalsOf(step) * 10) % 10 !== 0;
  return withDecimals(value, decimalsOf(step) + (isHalf ? 1 : 0), false);
}

/** A number read off an axis whose ticks are `step` apart: finer than it can be seen there. */
export function reading(value: number, step: number): string {
  return Number.isFinite(value) ? withDecimals(value, decimalsOf(step) + READING_DECIMALS, true) : '';
}

/** @param decimals less than 0 where not even the last digits before the decimal point count */
function withDecimals(value: number, decimals: number, dropsZeros: boolean): string {
  const magnitude = Math.abs(value);
  const isSmall = magnitude < SMALL && decimals > MOST_PLAIN_DECIMALS;
  // What is rounded to nothing has neither digits nor a sign.
  if (magnitude < 10 ** -decimals / 2) return isSmall ? '0' : plain(0, decimals, dropsZeros);
  if (!isSmall && magnitude < LARGE) return plain(value, decimals, dropsZeros);
  const digits = Math.min(Math.max(decimals - decimalsOf(magnitude), 0), MOST_DIGITS);
  const text = value.toExponential(digits);
  return dropsZeros ? text.replace(/\.?0*e/, 'e') : text;
}

function plain(value: number, decimals: number, dropsZeros: boolean): string {
  const most = Math.min(Math.max(decimals, 0), MOST_DIGITS);
  return formatter({ minimumFractionDigits: dropsZeros ? 0 : most, maximumFractionDigits: most }).format(value);
}

const formatters = new Map<string, Intl.NumberFormat>();

/** Making one takes longer than all that it formats. */
function formatter(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  const made = formatters.get(key) ?? new Intl.NumberFormat('en', options);
  formatters.set(key, made);
  return made;
}

/** A share of 0 to 1 in percent, as exact as it has to be to differ from all and nothing. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (value < 0.01) return '< 0.01 %';
  return value > 99.99 ? '> 99.99 %' : `${hundredths.format(value)} %`;
}

/** A number of bytes. */
export function bytes(n: number): string {
  if (n < 1000) return count(n, 'byte');
  return n < 1e6 ? `${short.format(Math.round(n / 1000))} kB` : `${short.format(Math.round(n / 1e5) / 10)} MB`;
}
