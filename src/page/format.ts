const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });
const hundredths = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, notation: 'compact' });

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
  if (magnitude >= 1e15 || (magnitude > 0 && magnitude < 1e-4)) return value.toExponential(2);
  return magnitude >= 1e6 ? compact.format(value) : short.format(value);
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
