import Papa from 'papaparse';
import { AppError } from '../errors.js';

/** How a CSV is written. */
export interface Dialect {
  delimiter: ',' | ';' | '\t';
  newline: '\n' | '\r\n' | '\r';
}

const SNIFFED_CHARACTERS = 64 * 1024;
const SNIFFED_LINES = 100;
const PARSED_CHARACTERS = 1024 * 1024;

/**
 * Decodes the bytes of a text file: UTF-8 and UTF-16 by their byte order mark, else UTF-8 where the
 * bytes are valid UTF-8, else Latin-1 (as Windows-1252, which every valid Latin-1 text also is).
 */
export function decodeText(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/**
 * Finds delimiter and newline from the first lines. The delimiter is the one found outside quotes on
 * most lines; where several are on as many, tab goes before semicolon before comma, since a comma
 * may also be a decimal comma and neither of the others can stand in a number.
 */
export function sniffDialect(text: string): Dialect {
  const head = text.slice(0, SNIFFED_CHARACTERS);
  const newline = sniffNewline(head);
  const lines = head
    .replace(/"[^"]*"/g, '')
    .split(newline)
    .slice(0, SNIFFED_LINES);
  const linesWith = (delimiter: string) => lines.filter((line) => line.includes(delimiter)).length;
  const candidates = (['\t', ';', ','] as const).map((delimiter) => ({
    delimiter,
    count: linesWith(delimiter),
  }));
  const best = candidates.reduce((a, b) => (b.count > a.count ? b : a));
  return { delimiter: best.count > 0 ? best.delimiter : ',', newline };
}

function sniffNewline(head: string): Dialect['newline'] {
  const feeds = head.split('\n').length - 1;
  if (feeds === 0) return head.includes('\r') ? '\r' : '\n';
  return head.split('\r\n').length - 1 === feeds ? '\r\n' : '\n';
}

/** The first rows of a CSV, without blank ones: enough to see what its columns are. */
export function firstRows(text: string, dialect: Dialect, count: number): string[][] {
  const head = text.slice(0, SNIFFED_CHARACTERS);
  const { data } = Papa.parse<string[]>(head, { ...dialect, preview: count });
  const whole = head.length === text.length ? data : data.slice(0, Math.max(1, data.length - 1));
  return whole.filter((cells) => !isBlank(cells));
}

/**
 * Calls `onRow` with the cells of every row in order, and its number in the file counted from 1.
 * Blank rows at the start and at the end are passed over.
 *
 * @throws AppError MALFORMED_CSV where quotes do not match, or a blank row lies between others.
 */
export function forEachRow(text: string, dialect: Dialect, onRow: (cells: string[], row: number) => void): void {
  let row = 0;
  let firstBlank = 0;
  let started = false;
  const config = {
    ...dialect,
    chunkSize: PARSED_CHARACTERS,
    chunk: ({ data, errors }: Papa.ParseResult<string[]>) => {
      if (errors.length > 0) throw malformedQuotes(row + (errors[0].row ?? 0) + 1);
      for (const cells of data) {
        row += 1;
        if (isBlank(cells)) {
          firstBlank ||= row;
          continue;
        }
        if (started && firstBlank > 0) throw blankRow(firstBlank);
        started = true;
        firstBlank = 0;
        onRow(cells, row);
      }
    },
  };
  Papa.parse<string[]>(text, config);
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

function blankRow(row: number): AppError {
  return new AppError('MALFORMED_CSV', `Row ${row} is blank, and rows with values follow it.`, {
    row,
    expected: 'a value in every row',
    received: 'a blank row',
  });
}
