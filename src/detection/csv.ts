import Papa from 'papaparse';
import { AppError } from '../errors.js';
import type { ByteSource } from './byte-source.js';

/** What parts the cells of a row. */
export type Delimiter = ',' | ';' | '\t';

const SNIFFED_CHARACTERS = 1024 * 1024;
const SNIFFED_LINES = 100;
// A quote that is never closed would make the rest of the file one cell.
const LONGEST_ROW = 16 * 1024 * 1024;

/** Decodes the bytes of a text file, piece by piece; every newline becomes a line feed. */
export function* decodeText(source: ByteSource, encoding: string): Generator<string> {
  const decoder = new TextDecoder(encoding);
  let held = '';
  for (const piece of source.pieces()) {
    const text = held + decoder.decode(piece, { stream: true });
    // What follows it decides whether a carriage return is a newline by itself.
    held = text.endsWith('\r') ? '\r' : '';
    yield withLineFeeds(held ? text.slice(0, -1) : text);
  }
  yield withLineFeeds(held + decoder.decode());
}

function withLineFeeds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

/**
 * Tells the encoding of a text file: UTF-8 and UTF-16 by their byte order mark, else UTF-8 where all
 * bytes are valid UTF-8, else Latin-1 (as Windows-1252, of which it is a part).
 */
export function encodingOf(source: ByteSource): string {
  let decoder: TextDecoder | undefined;
  try {
    for (const piece of source.pieces()) {
      decoder ??= new TextDecoder(encodingByMark(piece), { fatal: true });
      decoder.decode(piece, { stream: true });
    }
    decoder?.decode();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    return 'windows-1252';
  }
  return decoder?.encoding ?? 'utf-8';
}

function encodingByMark([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}

/** The start of a text without blank lines before it: enough to see what its columns are. */
export function headOf(pieces: Iterable<string>): string {
  let head = '';
  for (const piece of pieces) {
    head = (head + piece).replace(/^\s*\n/, '');
    if (head.length > SNIFFED_CHARACTERS) break;
  }
  return head.trim() === '' ? '' : head;
}

/**
 * Finds the delimiter from the first lines: the one found outside quotes on most of them. Where
 * several are on as many, tab goes before semicolon before comma, since a comma may also be a
 * decimal comma and neither of the others can stand in a number.
 */
export function sniffDelimiter(head: string): Delimiter {
  const lines = head
    .slice(0, SNIFFED_CHARACTERS)
    .replace(/"[^"]*"/g, '')
    .split('\n', SNIFFED_LINES);
  const linesWith = (delimiter: string) => lines.filter((line) => line.includes(delimiter)).length;
  const candidates = (['\t', ';', ','] as const).map((delimiter) => ({ delimiter, count: linesWith(delimiter) }));
  const best = candidates.reduce((a, b) => (b.count > a.count ? b : a));
  return best.count > 0 ? best.delimiter : ',';
}

/** The first rows of a CSV, without blank ones. */
export function firstRows(head: string, delimiter: Delimiter, count: number): string[][] {
  const text = head.slice(0, SNIFFED_CHARACTERS);
  const options = { delimiter, newline: '\n', preview: count, skipEmptyLines: 'greedy' } as const;
  const { data } = Papa.parse<string[]>(text, options);
  const cutOff = head.length > SNIFFED_CHARACTERS && data.length < count && data.length > 1;
  return cutOff ? data.slice(0, -1) : data;
}

/** A row of a CSV. */
export interface Row {
  /** None where the row is blank. */
  cells: string[];
  /** Its number in the file, counted from 1. */
  row: number;
}

/**
 * The rows of a CSV in order. Blank rows at the start and at the end are passed over; one in between is
 * a row without cells.
 *
 * @param pieces its text, see {@link decodeText}
 * @throws AppError MALFORMED_CSV where quotes do not match
 */
export function* rowsOf(pieces: Iterable<string>, delimiter: Delimiter): Generator<Row> {
  let row = 0;
  let lastFilled = 0;
  for (const cells of parsedRows(pieces, delimiter)) {
    row += 1;
    if (isBlank(cells)) continue;
    if (lastFilled > 0) for (let blank = lastFilled + 1; blank < row; blank++) yield { cells: [], row: blank };
    lastFilled = row;
    yield { cells, row };
  }
}

function* parsedRows(pieces: Iterable<string>, delimiter: Delimiter): Generator<string[]> {
  let rest = '';
  let rows = 0;
  const parse = (last: boolean) => {
    // papaparse's own way through a string in pieces; the other ways to give it pieces are not for here.
    const parser = new Papa.Parser({ delimiter, newline: '\n' });
    const { data, errors, meta } = parser.parse(rest, 0, !last) as Papa.ParseResult<string[]>;
    // The last row is not whole yet, and comes again with what follows.
    const [error] = errors.filter(({ row = 0 }) => last || row < data.length);
    if (error) throw malformedQuotes(rows + (error.row ?? 0) + 1);
    rest = rest.slice(meta.cursor);
    rows += data.length;
    return data;
  };
  for (const piece of pieces) {
    rest += piece;
    yield* parse(false);
    if (rest.length > LONGEST_ROW) throw malformedQuotes(rows + 1);
  }
  yield* parse(true);
}

function isBlank(cells: string[]): boolean {
  return cells.every((cell) => cell.trim() === '');
}

function malformedQuotes(row: number): AppError {
  return new AppError('MALFORMED_CSV', `Row ${row}: a quoted cell is not closed as it should be.`, {
    row,
    expected: 'a closing quote followed by a delimiter or the end of the row',
  });
}
