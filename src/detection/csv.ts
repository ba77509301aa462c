import Papa from 'papaparse';
import { AppError } from '../errors.js';

/** What parts the cells of a row. */
export type Delimiter = ',' | ';' | '\t';

const SNIFFED_CHARACTERS = 1024 * 1024;
const SNIFFED_LINES = 100;
const PARSED_CHARACTERS = 1024 * 1024;

/**
 * Decodes the bytes of a text file: UTF-8 and UTF-16 by their byte order mark, else UTF-8 where the
 * bytes are valid UTF-8, else Latin-1 (as Windows-1252, of which it is a part). Every newline
 * becomes a line feed.
 */
export function decodeText(bytes: Uint8Array): string {
  const text = decode(bytes);
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}

/**
 * Finds the delimiter from the first lines: the one found outside quotes on most of them. Where
 * several are on as many, tab goes before semicolon before comma, since a comma may also be a
 * decimal comma and neither of the others can stand in a number.
 */
export function sniffDelimiter(text: string): Delimiter {
  const lines = text
    .slice(0, SNIFFED_CHARACTERS)
    .replace(/"[^"]*"/g, '')
    .split('\n', SNIFFED_LINES);
  const linesWith = (delimiter: string) => lines.filter((line) => line.includes(delimiter)).length;
  const candidates = (['\t', ';', ','] as const).map((delimiter) => ({ delimiter, count: linesWith(delimiter) }));
  const best = candidates.reduce((a, b) => (b.count > a.count ? b : a));
  return best.count > 0 ? best.delimiter : ',';
}

/** The first rows of a CSV, without blank ones: enough to see what its columns are. */
export function firstRows(text: string, delimiter: Delimiter, count: number): string[][] {
  const head = text.slice(0, SNIFFED_CHARACTERS).replace(/^\s*\n/, '');
  const options = { delimiter, newline: '\n', preview: count, skipEmptyLines: 'greedy' } as const;
  const { data } = Papa.parse<string[]>(head, options);
  const cutOff = text.length > SNIFFED_CHARACTERS && data.length < count && data.length > 1;
  return cutOff ? data.slice(0, -1) : data;
}

/**
 * Calls `onRow` with the cells of every row in order, and its number in the file counted from 1.
 * Blank rows at the start and at the end are passed over; one in between is a row without cells.
 *
 * @param onPiece called every megabyte or so; what it throws ends the reading
 * @throws AppError MALFORMED_CSV where quotes do not match
 */
export function forEachRow(
  text: string,
  delimiter: Delimiter,
  onRow: (cells: string[], row: number) => void,
  onPiece?: () => void,
): void {
  let row = 0;
  let lastFilled = 0;
  const config = {
    delimiter,
    newline: '\n' as const,
    chunkSize: PARSED_CHARACTERS,
    chunk: ({ data, errors }: Papa.ParseResult<string[]>) => {
      onPiece?.();
      if (errors.length > 0) throw malformedQuotes(row + (errors[0].row ?? 0) + 1);
      for (const cells of data) {
        row += 1;
        if (isBlank(cells)) continue;
        if (lastFilled > 0) for (let blank = lastFilled + 1; blank < row; blank++) onRow([], blank);
        lastFilled = row;
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
