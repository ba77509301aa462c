const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const QUOTE = 34;
const PLUS = 43;
const MINUS = 45;
const POINT = 46;
const DIGIT_0 = 48;
const UPPER_E = 69;
const LOWER_E = 101;
const FIRST_BEYOND_ASCII = 128;
// A decimal number of so many digits and such a power of ten is exact as a quotient or a product of two
// doubles (Clinger, "How to Read Floating Point Numbers Accurately", PLDI 1990).
const EXACT_MANTISSA = 2 ** 53;
const EXACT_DIGITS = 15;
const EXACT_POWER = 22;
const POWERS_OF_TEN = Array.from({ length: EXACT_POWER + 1 }, (_, power) => Number(`1e${power}`));
const BYTES_A_PIECE = 1024 * 1024;

/** The cells of a CSV. */
export interface Cells {
  /** The number of rows, without the header. */
  length: number;
  /** The numbers, shape [rows, value columns] row by row; NaN where there is none. */
  values: Float64Array;
  /** The cells of every other column, by its place. */
  texts: Map<number, string[]>;
}

/** What is known of a CSV before it is scanned. */
export interface PlainLayout {
  /** The code of the delimiter. */
  delimiter: number;
  /** How many columns there are. */
  columns: number;
  /** The places of the columns with numbers, in the order in which they are wanted. */
  valuePlaces: number[];
  hasHeader: boolean;
}

/**
 * Reads a CSV that is as plain as most are, straight from its bytes: ASCII, no quotes, a line feed or
 * carriage return and line feed after each row, as many cells in each row, decimal points. Many times as
 * fast as the way through text and cells, and where it gives an answer, the same one.
 *
 * @param onPiece called every megabyte or so; what it throws ends the reading
 * @returns undefined where the CSV is not as plain as that, whatever the reason
 */
export function readPlainCells(bytes: Uint8Array, layout: PlainLayout, onPiece?: () => void): Cells | undefined {
  const scanner = new PlainScanner(bytes, layout);
  return scanner.scan(onPiece) ? scanner.cells() : undefined;
}

/** Whether bytes are ASCII without quotes. */
export function isPlainText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < FIRST_BEYOND_ASCII && byte !== QUOTE);
}

class PlainScanner {
  private position = 0;
  private length = 0;
  private values: Float64Array;
  private readonly targets: Int32Array;
  private readonly texts = new Map<number, string[]>();
  private readonly buffer: Buffer;
  private text: string | undefined;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly layout: PlainLayout,
  ) {
    const { columns, valuePlaces } = layout;
    // Which of the wanted columns each cell of a row is, or -1.
    this.targets = Int32Array.from({ length: columns }, (_, place) => valuePlaces.indexOf(place));
    this.targets.forEach((target, place) => {
      if (target < 0) this.texts.set(place, []);
    });
    this.values = new Float64Array(valuePlaces.length * 4096);
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads all rows; false where one of them is not plain. */
  scan(onPiece?: () => void): boolean {
    const { bytes } = this;
    let nextPiece = BYTES_A_PIECE;
    if (this.layout.hasHeader) this.position = bytes.indexOf(NEWLINE) + 1 || bytes.length;
    while (this.position < bytes.length) {
      if (!this.scanRow()) return false;
      if (this.position > nextPiece) {
        nextPiece += BYTES_A_PIECE;
        onPiece?.();
      }
    }
    return this.length > 0;
  }

  cells(): Cells {
    const { length, texts } = this;
    return { length, values: this.values.slice(0, length * this.layout.valuePlaces.length), texts };
  }

  private scanRow(): boolean {
    const { layout, targets } = this;
    const width = layout.valuePlaces.length;
    const start = this.length * width;
    if (start + width > this.values.length) this.grow();
    let empty = 0;
    for (let place = 0; place < layout.columns; place++) {
      const target = targets[place];
      const first = this.position;
      if (target >= 0) {
        const value = this.scanNumber();
        if (value === undefined) return false;
        this.values[start + target] = value;
        if (this.position === first) empty += 1;
      } else {
        const text = this.scanText();
        if (text === undefined) return false;
        this.texts.get(place)?.push(text);
        if (text === '') empty += 1;
      }
      if (!this.passEnd(place === layout.columns - 1)) return false;
    }
    this.length += 1;
    // A row of empty cells is a blank one, of which there are rules.
    return empty < layout.columns;
  }

  /** Passes over what must follow a cell: a delimiter, or after the last one the end of the row. */
  private passEnd(last: boolean): boolean {
    const { bytes } = this;
    if (!last) return bytes[this.position++] === this.layout.delimiter;
    if (this.position >= bytes.length) return true;
    if (bytes[this.position] === CARRIAGE_RETURN) this.position += 1;
    return bytes[this.position++] === NEWLINE;
  }

  /** The number at the position, NaN for an empty cell, undefined for anything else. */
  private scanNumber(): number | undefined {
    const { bytes } = this;
    const first = this.position;
    let at = first;
    const negative = bytes[at] === MINUS;
    if (negative || bytes[at] === PLUS) at += 1;
    let mantissa = 0;
    let digits = 0;
    let decimals = 0;
    let pointSeen = false;
    for (; ; at++) {
      const digit = bytes[at] - DIGIT_0;
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        digits += 1;
        if (pointSeen) decimals += 1;
      } else if (bytes[at] === POINT && !pointSeen) {
        pointSeen = true;
      } else {
        break;
      }
    }
    if (digits === 0) return at === first ? NaN : undefined;
    const exponent = bytes[at] === LOWER_E || bytes[at] === UPPER_E;
    if (exponent) {
      at += 1;
      if (bytes[at] === MINUS || bytes[at] === PLUS) at += 1;
      const firstDigit = at;
      while (bytes[at] >= DIGIT_0 && bytes[at] <= DIGIT_0 + 9) at += 1;
      if (at === firstDigit) return undefined;
    }
    this.position = at;
    if (!exponent && digits <= EXACT_DIGITS && mantissa < EXACT_MANTISSA && decimals <= EXACT_POWER) {
      const value = mantissa / POWERS_OF_TEN[decimals];
      return negative ? -value : value;
    }
    const value = Number(this.slice(first, at));
    return Number.isFinite(value) ? value : undefined;
  }

  /** The text at the position, undefined where it is not plain. */
  private scanText(): string | undefined {
    const { bytes, layout } = this;
    const first = this.position;
    let at = first;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === layout.delimiter || byte === NEWLINE || byte === CARRIAGE_RETURN) break;
      if (byte >= FIRST_BEYOND_ASCII || byte === QUOTE) return undefined;
    }
    this.position = at;
    return this.slice(first, at).trim();
  }

  private slice(from: number, to: number): string {
    // A slice of one long string costs far less than a string of its own.
    this.text ??= this.buffer.toString('latin1');
    return this.text.slice(from, to);
  }

  private grow(): void {
    const larger = new Float64Array(this.values.length * 2);
    larger.set(this.values);
    this.values = larger;
  }
}
