const DECIMAL_POINT = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const DECIMAL_COMMA = /^[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?$/;
const WHOLE = /^[+-]?\d+([eE][+-]?\d+)?$/;

const MISSING = /^(nan|na|n\/a|null|none|-|\?)?$/i;

/** Tells whether a cell says that there is no value: empty, or one of the usual words and signs for it. */
export function isMissing(cell: string): boolean {
  return MISSING.test(cell.trim());
}

/** The number that a text is in plain decimal or scientific notation, or NaN. */
export function parseNumber(text: string): number {
  return DECIMAL_POINT.test(text) ? Number(text) : NaN;
}

/** Tells whether a cell is a number, with a decimal point or a decimal comma. */
export function isNumber(cell: string): boolean {
  const trimmed = cell.trim();
  return DECIMAL_POINT.test(trimmed) || DECIMAL_COMMA.test(trimmed);
}

/**
 * The decimals that tell apart numbers which differ by a positive amount: 2 for 0.01 and for 0.05, and less
 * than 0 where those before the decimal point do.
 */
export function decimalsOf(difference: number): number {
  return -Math.floor(Math.log10(difference));
}

/**
 * Reads the numbers of one CSV. The first number with a decimal comma or a decimal point decides
 * for the whole file, so that `1.234` and `1,234` in one file are never both taken for fractions.
 */
export class NumberReader {
  private decimal: '.' | ',' | undefined;

  /** @param mayUseComma whether the delimiter leaves no doubt that a comma is a decimal comma */
  constructor(private readonly mayUseComma: boolean) {
    if (!mayUseComma) this.decimal = '.';
  }

  /** What a cell must be, in words for an error text. */
  get expected(): string {
    if (this.decimal === ',') return 'a number with a decimal comma (as the numbers before it)';
    return this.decimal === '.' && this.mayUseComma
      ? 'a number with a decimal point (as the numbers before it)'
      : 'a number';
  }

  /** The number in a cell, or NaN where there is none (or none that is finite). */
  read(cell: string): number {
    const trimmed = cell.trim();
    this.decimal ??= decimalOf(trimmed);
    const comma = this.decimal === ',';
    if (!(comma ? DECIMAL_COMMA.test(trimmed) || WHOLE.test(trimmed) : DECIMAL_POINT.test(trimmed))) return NaN;
    const value = Number(comma ? trimmed.replace(',', '.') : trimmed);
    return Number.isFinite(value) ? value : NaN;
  }
}

function decimalOf(cell: string): '.' | ',' | undefined {
  if (DECIMAL_COMMA.test(cell)) return ',';
  return cell.includes('.') ? '.' : undefined;
}
