import { AppError, quote } from '../errors.js';
import { decodeText, firstRows, forEachRow, sniffDelimiter } from './csv.js';
import { isPlainText, type Cells, readPlainCells } from './plain-csv.js';
import { isMissing, isNumber, NumberReader } from './numbers.js';
import { ISO_8601 } from './timestamps.js';

/** A column of the CSV that the model reads. */
interface ValueColumn {
  name: string;
  kind: 'value';
  /** Its place among the columns of `Series.values`. */
  index: number;
}

/** A column that is carried through as it came: timestamps, and what the model does not know. */
interface TextColumn {
  name: string;
  kind: 'text';
  cells: string[];
}

/** A time series: n points of c columns, and what else the CSV held. */
export interface Series {
  /** The number of points, n. */
  length: number;
  /** The names of the c value columns, in the order of `values`. */
  columns: string[];
  /** The values, shape [n, c], row by row, in the units of the input. */
  values: Float64Array;
  /**
   * 1 where a point lacks a value in some column, shape [n]. What stands in `values` there is the
   * straight line between the neighbours that have one.
   */
  missing: Uint8Array;
  /** All columns of the CSV in their order. */
  layout: (ValueColumn | TextColumn)[];
  /** The timestamp of each point as it stood in the CSV, where there is such a column. */
  timestamps?: string[];
}

const SAMPLE_ROWS = 100;
// Rows of thousands of characters are not what the plain way is for.
const PLAIN_HEAD_BYTES = 64 * 1024;
const LINE_FEED = 10;
const TIMESTAMP_NAME = /^(time|timestamp|date|datetime|date_time|ts|epoch)$/i;
const EARLIEST_EPOCH = 1e8;

/**
 * Reads a CSV into a series. Columns are matched to the model's by name, or by position where the
 * CSV has no header; a timestamp column (ISO 8601 or epoch) and columns that the model does not know
 * are carried through. Empty cells, and words such as NaN, are missing values; points count as equally
 * spaced in the order in which they come, whatever their timestamps.
 *
 * @param bytes the file: comma, semicolon or tab; any newline; UTF-8 or Latin-1; decimal comma where
 *   the delimiter is no comma
 * @param modelColumns the model's columns; without them every column but the timestamps is a value
 * @param onPiece called every megabyte or so; what it throws ends the reading
 * @throws AppError EMPTY_FILE, NO_NUMBERS, WRONG_COLUMNS, NOT_A_NUMBER or MALFORMED_CSV, with the row
 *   and the column where there is one
 */
export function readSeries(bytes: Uint8Array, modelColumns?: readonly string[], onPiece?: () => void): Series {
  return readPlainSeries(bytes, modelColumns, onPiece) ?? readAnySeries(bytes, modelColumns, onPiece);
}

/** {@link readSeries} for CSVs that are plain, straight from the bytes; undefined for any other. */
function readPlainSeries(
  bytes: Uint8Array,
  modelColumns?: readonly string[],
  onPiece?: () => void,
): Series | undefined {
  const text = plainHead(bytes);
  if (text === undefined) return undefined;
  const delimiter = sniffDelimiter(text);
  const rows = firstRows(text, delimiter, SAMPLE_ROWS);
  // The sample must be the one that is taken of the whole file.
  if (bytes.length > PLAIN_HEAD_BYTES && rows.length < SAMPLE_ROWS) return undefined;
  const table = readTable(rows, modelColumns);
  const { hasHeader, valuePlaces, names } = table;
  const layout = { delimiter: delimiter.charCodeAt(0), columns: names.length, valuePlaces, hasHeader };
  const cells = readPlainCells(bytes, layout, onPiece);
  return cells && seriesOf(table, cells);
}

/** The first rows as text, or undefined where they are not plain. */
function plainHead(bytes: Uint8Array): string | undefined {
  const first = bytes.subarray(0, PLAIN_HEAD_BYTES);
  const head = first.length < bytes.length ? first.subarray(0, first.lastIndexOf(LINE_FEED) + 1) : first;
  if (!isPlainText(head)) return undefined;
  const text = new TextDecoder('latin1').decode(head);
  return text.trim() === '' || /^\s*\n|\r(?!\n)/.test(text) ? undefined : text.replaceAll('\r\n', '\n');
}

/** {@link readSeries} for any CSV, cell by cell: the rule that the other way is held to. */
export function readAnySeries(bytes: Uint8Array, modelColumns?: readonly string[], onPiece?: () => void): Series {
  const text = decodeText(bytes);
  if (text.trim() === '') {
    throw new AppError('EMPTY_FILE', 'The file is empty: expected a CSV with a number in each row.');
  }
  const delimiter = sniffDelimiter(text);
  const table = readTable(firstRows(text, delimiter, SAMPLE_ROWS), modelColumns);
  const filler = new SeriesFiller(table, new NumberReader(delimiter !== ','));
  forEachRow(text, delimiter, (cells, row) => filler.add(cells, row), onPiece);
  return seriesOf(table, filler.cells());
}

/** What the first rows say of the CSV's columns. */
interface Table {
  hasHeader: boolean;
  names: string[];
  /** For each of the model's columns its place in the CSV. */
  valuePlaces: number[];
  columns: string[];
  timestampPlace: number;
}

function readTable(sample: string[][], modelColumns?: readonly string[]): Table {
  // Cells that are all blank leave no row to look at.
  const [first = []] = sample;
  const hasHeader = first.some((cell) => isText(cell));
  const body = hasHeader ? sample.slice(1) : sample;
  if (!body.some((cells) => cells.some(isNumber))) {
    throw new AppError('NO_NUMBERS', 'No number found: expected a CSV with a number in each row.', {
      received: quote(first.join(' ')),
    });
  }
  const names = first.map((cell, i) => (hasHeader ? cell.trim() : `${i + 1}`));
  const timestampPlace = findTimestamps(names, body, hasHeader, modelColumns);
  const places = names.map((_, place) => place).filter((place) => place !== timestampPlace);
  if (!modelColumns) {
    return { hasHeader, names, valuePlaces: places, columns: trainingNames(names, places, hasHeader), timestampPlace };
  }
  const valuePlaces = hasHeader ? matchByName(names, modelColumns) : matchByPosition(places, modelColumns);
  return { hasHeader, names, valuePlaces, columns: [...modelColumns], timestampPlace };
}

function isText(cell: string): boolean {
  return !isMissing(cell) && !isNumber(cell) && !ISO_8601.test(cell.trim());
}

/** The place of the timestamps, or -1: never a column of the model, nor the only one there is. */
function findTimestamps(
  names: string[],
  body: string[][],
  hasHeader: boolean,
  modelColumns?: readonly string[],
): number {
  const fewest = modelColumns && !hasHeader ? modelColumns.length + 1 : 2;
  if (names.length < fewest) return -1;
  const isTimestamp = (name: string, place: number) => {
    if (hasHeader && modelColumns?.includes(name)) return false;
    const cells = body.map((row) => (row[place] ?? '').trim());
    if (cells.every((cell) => ISO_8601.test(cell))) return true;
    return cells.every(isNumber) && (TIMESTAMP_NAME.test(name) || isEpoch(cells.map(Number)));
  };
  return names.findIndex(isTimestamp);
}

function isEpoch(seconds: number[]): boolean {
  return seconds.every((second, i) => second >= EARLIEST_EPOCH && (i === 0 || second > seconds[i - 1]));
}

function trainingNames(names: string[], places: number[], hasHeader: boolean): string[] {
  if (hasHeader) {
    const twice = names.find((name, place) => names.indexOf(name) !== place);
    if (twice !== undefined) throw repeatedColumn(twice);
    return places.map((place) => names[place]);
  }
  return places.length === 1 ? ['value'] : places.map((_, i) => `value_${i + 1}`);
}

function matchByName(names: string[], modelColumns: readonly string[]): number[] {
  return modelColumns.map((column) => {
    const place = names.indexOf(column);
    if (place < 0) {
      throw new AppError('WRONG_COLUMNS', `The header has no column "${column}", which the model needs.`, {
        column,
        expected: list(modelColumns),
        received: list(names),
      });
    }
    if (names.indexOf(column, place + 1) >= 0) throw repeatedColumn(column);
    return place;
  });
}

function matchByPosition(places: number[], modelColumns: readonly string[]): number[] {
  if (places.length === modelColumns.length) return places;
  throw new AppError(
    'WRONG_COLUMNS',
    `The CSV has ${count(places.length, 'value column')} and no header; the model needs ` +
      `${modelColumns.length}: ${list(modelColumns)}.`,
    { row: 1, expected: count(modelColumns.length, 'value column'), received: count(places.length, 'value column') },
  );
}

/** Turns rows into the arrays of a series. */
class SeriesFiller {
  private values = new Float64Array(4096);
  private length = 0;
  private readonly text: { place: number; cells: string[] }[];

  constructor(
    private readonly table: Table,
    private readonly numbers: NumberReader,
  ) {
    const valuePlaces = new Set(table.valuePlaces);
    this.text = table.names
      .map((_, place) => ({ place, cells: [] as string[] }))
      .filter(({ place }) => !valuePlaces.has(place));
  }

  private headerSeen = false;

  add(cells: string[], row: number): void {
    const { table } = this;
    if (table.hasHeader && !this.headerSeen) {
      this.headerSeen = true;
      return;
    }
    if (cells.length > 0 && cells.length !== table.names.length) throw wrongCellCount(cells, row, table);
    const width = table.valuePlaces.length;
    const start = this.length * width;
    if (start + width > this.values.length) this.grow();
    for (let j = 0; j < width; j++) {
      const place = table.valuePlaces[j];
      const cell = cells[place] ?? '';
      const value = this.numbers.read(cell);
      if (Number.isNaN(value) && !isMissing(cell)) throw this.notANumber(cell, row, table.names[place]);
      this.values[start + j] = value;
    }
    for (const { place, cells: carried } of this.text) carried.push((cells[place] ?? '').trim());
    this.length += 1;
  }

  cells(): Cells {
    const { table, length } = this;
    const values = this.values.slice(0, length * table.valuePlaces.length);
    return { length, values, texts: new Map(this.text.map(({ place, cells }) => [place, cells])) };
  }

  private grow(): void {
    const larger = new Float64Array(this.values.length * 2);
    larger.set(this.values);
    this.values = larger;
  }

  private notANumber(cell: string, row: number, column: string): AppError {
    const expected = this.numbers.expected;
    const received = quote(cell.trim());
    return new AppError('NOT_A_NUMBER', `Row ${row}, column ${column}: expected ${expected}, got ${received}.`, {
      row,
      column,
      expected,
      received,
    });
  }
}

/** Makes a series of the cells of a CSV. */
function seriesOf(table: Table, { length, values, texts }: Cells): Series {
  const layout = table.names.map((csvName, place): ValueColumn | TextColumn => {
    const index = table.valuePlaces.indexOf(place);
    const cells = texts.get(place);
    if (cells) return { name: table.hasHeader ? csvName : 'timestamp', kind: 'text', cells };
    return { name: table.columns[index], kind: 'value', index };
  });
  const missing = fillMissing(values, table.columns);
  const { columns, timestampPlace } = table;
  return { length, columns, values, missing, layout, timestamps: texts.get(timestampPlace) };
}

/**
 * Puts the straight line between its neighbours, or the nearest value at the ends, where a value is NaN.
 *
 * @returns 1 for each point that lacks a value, shape [n]
 * @throws AppError NO_NUMBERS where a column has no value at all
 */
function fillMissing(values: Float64Array, columns: string[]): Uint8Array {
  const width = columns.length;
  const missing = new Uint8Array(values.length / width);
  columns.forEach((column, j) => {
    let before = -1;
    for (let i = 0; i < missing.length; i++) {
      if (Number.isNaN(values[i * width + j])) {
        missing[i] = 1;
        continue;
      }
      if (i - before > 1) fillBetween(values, width, j, before, i);
      before = i;
    }
    if (before < 0) throw new AppError('NO_NUMBERS', `Column ${column} has no number in it.`, { column });
    if (before < missing.length - 1) fillBetween(values, width, j, before, missing.length);
  });
  return missing;
}

/** Fills column j between the points `before` and `after`; one of them may lie outside the series. */
function fillBetween(values: Float64Array, width: number, j: number, before: number, after: number): void {
  const last = values.length / width - 1;
  const from = values[(before < 0 ? after : before) * width + j];
  const to = values[(after > last ? before : after) * width + j];
  for (let i = before + 1; i < after; i++) {
    values[i * width + j] = from + ((to - from) * (i - before)) / (after - before);
  }
}

function wrongCellCount(cells: string[], row: number, table: Table): AppError {
  const expected = count(table.names.length, 'cell');
  const received = count(cells.length, 'cell');
  const source = table.hasHeader ? 'as in the header' : 'as in the first row';
  return new AppError(
    'WRONG_COLUMNS',
    `Row ${row}: expected ${expected}, ${source}, got ${received}. ` +
      'A decimal comma needs a semicolon or a tab as the delimiter.',
    { row, expected, received },
  );
}

function repeatedColumn(column: string): AppError {
  return new AppError('WRONG_COLUMNS', `The header names the column "${column}" more than once.`, {
    row: 1,
    column,
    expected: 'each name once',
  });
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function list(names: readonly string[]): string {
  return quote(names.join(', '));
}
