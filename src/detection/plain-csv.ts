import type { ByteSource } from './byte-source.js';
import { BlockBuilder, type CellBlock } from './cell-block.js';

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
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
// Rows of thousands of characters are not what the plain way is for.
const LONGEST_ROW = 64 * 1024;
// A call has room for so many arguments on any stack.
const LONGEST_TEXT = 4096;
const FIRST_VISIBLE = 33;

/** Thrown where a CSV is not as plain as it must be, whatever the reason. */
export class NotPlain extends Error {}

/** What is known of a CSV before it is scanned. */
export interface PlainLayout {
  /** The code of the delimiter. */
  delimiter: number;
  /** How many columns there are. */
  columns: number;
  /** The places of the columns with numbers, in the order in which they are wanted. */
  valuePlaces: number[];
  /** The place of the timestamps, or -1. */
  timestampPlace: number;
  hasHeader: boolean;
}

/**
 * Reads a CSV that is as plain as most are, straight from its bytes: ASCII, no quotes, a line feed or
 * carriage return and line feed after each row, as many cells in each row, decimal points. Many times as
 * fast as the way through text and cells, and where it comes to the end, with the same cells.
 *
 * @param points rows in a block
 * @param carry whether the rows are wanted as they came
 * @throws NotPlain where the CSV is not as plain as that
 */
export function* plainBlocks(
  source: ByteSource,
  layout: PlainLayout,
  points: number,
  carry: boolean,
): Generator<CellBlock> {
  const scanner = new PlainScanner(layout, points, carry);
  for (const lines of wholeLines(source)) yield* scanner.scan(lines);
  yield* scanner.end();
}

/** Whether bytes are ASCII without quotes. */
export function isPlainText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < FIRST_BEYOND_ASCII && byte !== QUOTE);
}

/** The bytes in pieces that each end with a row; each is valid until the next one is asked for. */
function* wholeLines(source: ByteSource): Generator<Uint8Array> {
  let held = new Uint8Array(0);
  let used = 0;
  for (const piece of source.pieces()) {
    if (used + piece.length > held.length) held = enlarged(held, Math.max(2 * held.length, used + piece.length));
    held.set(piece, used);
    used += piece.length;
    const end = held.subarray(0, used).lastIndexOf(NEWLINE) + 1;
    if (end > 0) yield held.subarray(0, end);
    held.copyWithin(0, end, used);
    used -= end;
    if (used > LONGEST_ROW) throw new NotPlain();
  }
  if (used > 0) yield held.subarray(0, used);
}

function enlarged(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}

class PlainScanner {
  private bytes: Uint8Array = new Uint8Array(0);
  private position = 0;
  private headerSeen: boolean;
  private readonly block: BlockBuilder;
  private readonly targets: Int32Array;
  private readonly mayHoldCommas: boolean;

  constructor(
    private readonly layout: PlainLayout,
    private readonly points: number,
    private readonly carry: boolean,
  ) {
    const { columns, valuePlaces, hasHeader, delimiter, timestampPlace } = layout;
    // Which of the wanted columns each cell of a row is, or -1.
    this.targets = Int32Array.from({ length: columns }, (_, place) => valuePlaces.indexOf(place));
    this.block = new BlockBuilder(points, valuePlaces.length, timestampPlace >= 0, carry);
    this.headerSeen = !hasHeader;
    this.mayHoldCommas = delimiter === COMMA;
  }

  /** Reads rows, the last of which is whole. */
  *scan(lines: Uint8Array): Generator<CellBlock> {
    this.bytes = lines;
    this.position = 0;
    if (!this.headerSeen) {
      this.headerSeen = true;
      this.position = lines.indexOf(NEWLINE) + 1 || lines.length;
    }
    while (this.position < lines.length) {
      this.scanRow();
      if (this.block.length === this.points) yield this.block.take();
    }
  }

  *end(): Generator<CellBlock> {
    if (this.block.length > 0) yield this.block.take();
  }

  private scanRow(): void {
    const { layout, targets, block } = this;
    const start = this.position;
    let end = start;
    let empty = 0;
    for (let place = 0; place < layout.columns; place++) {
      const first = this.position;
      if (targets[place] >= 0) block.setValue(targets[place], this.scanNumber());
      else this.scanText(place === layout.timestampPlace);
      end = this.position;
      if (end === first) empty += 1;
      this.passEnd(place === layout.columns - 1);
    }
    // A row of empty cells is a blank one, of which there are rules.
    if (empty === layout.columns) throw new NotPlain();
    if (this.carry) block.carry(this.bytes.subarray(start, end), layout.delimiter);
    block.endRow();
  }

  /** Passes over what must follow a cell: a delimiter, or after the last one the end of the row. */
  private passEnd(last: boolean): void {
    const { bytes } = this;
    if (last && this.position >= bytes.length) return;
    if (last && bytes[this.position] === CARRIAGE_RETURN) this.position += 1;
    if (bytes[this.position++] !== (last ? NEWLINE : this.layout.delimiter)) throw new NotPlain();
  }

  /** The number at the position, or NaN for an empty cell. */
  private scanNumber(): number {
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
    if (digits === 0) {
      if (at > first) throw new NotPlain();
      return NaN;
    }
    const exponent = bytes[at] === LOWER_E || bytes[at] === UPPER_E;
    if (exponent) {
      at += 1;
      if (bytes[at] === MINUS || bytes[at] === PLUS) at += 1;
      const firstDigit = at;
      while (bytes[at] >= DIGIT_0 && bytes[at] <= DIGIT_0 + 9) at += 1;
      if (at === firstDigit) throw new NotPlain();
    }
    this.position = at;
    if (!exponent && digits <= EXACT_DIGITS && mantissa < EXACT_MANTISSA && decimals <= EXACT_POWER) {
      const value = mantissa / POWERS_OF_TEN[decimals];
      return negative ? -value : value;
    }
    const value = Number(this.text(first, at));
    if (!Number.isFinite(value)) throw new NotPlain();
    return value;
  }

  /** Passes over a cell that is no number. */
  private scanText(isTimestamp: boolean): void {
    const { bytes, layout } = this;
    const first = this.position;
    let at = first;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === layout.delimiter || byte === NEWLINE || byte === CARRIAGE_RETURN) break;
      if (byte >= FIRST_BEYOND_ASCII || byte === QUOTE || (byte === COMMA && !this.mayHoldCommas)) throw new NotPlain();
    }
    // Blanks around a cell are no part of it.
    if (at > first && (bytes[first] < FIRST_VISIBLE || bytes[at - 1] < FIRST_VISIBLE)) throw new NotPlain();
    this.position = at;
    if (isTimestamp) this.block.setTimestamp(this.text(first, at));
  }

  private text(from: number, to: number): string {
    if (to - from > LONGEST_TEXT) throw new NotPlain();
    return String.fromCharCode(...this.bytes.subarray(from, to));
  }
}
