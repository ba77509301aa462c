/** A table: its title, the names of its columns, and its rows. */
export interface Table {
  title: string;
  header: string[];
  rows: string[][];
  /** What a reader has to know of it. */
  note?: string;
}

/** Stands in a table for what was tried and did not work. */
export const FAILS = 'fails';

const UNKNOWN = '–';

/** Writes a table as Markdown. */
export function markdown({ title, header, rows, note }: Table): string {
  const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return [`### ${title}`, '', ...lines, ...(note === undefined ? [] : ['', note])].join('\n');
}

/** A number with three significant digits, and thousands apart. */
export function figure(value: number | undefined): string {
  if (value === undefined) return UNKNOWN;
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString('en-GB', { maximumFractionDigits: 6 });
}

/** A ratio with two decimals, fewer where it is large. */
export function times(value: number | undefined): string {
  if (value === undefined) return UNKNOWN;
  return value.toFixed(value < 10 ? 2 : 1);
}

/** A whole number with thousands apart. */
export function whole(value: number | undefined): string {
  return value === undefined ? UNKNOWN : Math.round(value).toLocaleString('en-GB');
}
