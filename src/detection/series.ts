import { AppError, quote } from '../errors.js';
import { bytesInMemory, type ByteSource } from './byte-source.js';
import { BlockBuilder, type CellBlock, type SeriesBlock } from './cell-block.js';
import { decodeText, type Delimiter, encodingOf, firstRows, headOf, type Row, rowsOf, sniffDelimiter } from './csv.js';
import { fillGaps } from './gaps.js';
import { isMissing, NumberReader } from './numbers.js';
import { isPlainText, NotPlain, plainBlocks } from './plain-csv.js';
import { count, readTable, SAMPLE_ROWS, type Table } from './table.js';
import { measureSampling, type Sampling, SAMPLING_POINTS } from './timestamps.js';

/** A time series: n points of c columns. */
export interface Series extends Omit<SeriesBlock, 'rows'> {
  /** The names of the c value columns, in the order of `values`. */
  columns: string[];
  /** How the first points follow each other in time, where there are timestamps that can be read. */
  sampling?: Sampling;
}

/** A CSV that has been read once from end to end and is as it should be. */
export interface SeriesReader {
  /** The number of points. */
  length: number;
  /** The names of the value columns, in the order of `values`. */
  columns: string[];
  /** The names of all columns of the CSV in their order. */
  header: string[];
  /** How the first points follow each other in time, where there are timestamps that can be read. */
  sampling?: Sampling;
  /** The row of the CSV in which a point stands, counted from 1; where it is a CSV. */
  rowOf?(point: number): number;
  /**
   * Reads the series, block by block.
   *
   * @param points points in each block but the last
   * @param carry whether the rows of the CSV are wanted as they came
   */
  blocks(points: number, carry: boolean): Iterable<SeriesBlock>;
}

const BLOCK_POINTS = 8192;
const PLAIN_HEAD_BYTES = 64 * 1024;
const LINE_FEED = 10;
// A date as people write it: 31.1.2024, 1/31/2024.
const DATE = /^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b/;

/** Reads the cells of a CSV, block by block. */
type ReadCells = (points: number, carry: boolean) => Iterable<CellBlock>;

/**
 * Reads a CSV through, so that whatever is wrong with it is known, and gives what reads it again as a
 * series. Columns are matched to the model's by name, or by position where the CSV has no header; a
 * timestamp column (ISO 8601 or epoch) and columns that the model does not know are carried through.
 * Empty cells, and words such as NaN, are missing values; points count as equally spaced in the order in
 * which they come, whatever their timestamps.
 *
 * @param source the file: comma, semicolon or tab; any newline; UTF-8, UTF-16 or Latin-1; decimal comma
 *   where the delimiter is no comma
 * @param modelColumns the model's columns; without them every column but the timestamps is a value
 * @param onBlock called every few thousand points; what it throws ends the reading
 * @throws AppError EMPTY_FILE, NO_NUMBERS, WRONG_COLUMNS, NOT_A_NUMBER or MALFORMED_CSV, with the row
 *   and the column where there is one
 */
export function openSeries(source: ByteSource, modelColumns?: readonly string[], onBlock?: () => void): SeriesReader {
  try {
    return openPlainSeries(source, modelColumns, onBlock);
  } catch (error) {
    if (!(error instanceof NotPlain)) throw error;
    return openAnySeries(source, modelColumns, onBlock);
  }
}

/** {@link openSeries} for CSVs that are plain, straight from the bytes; throws NotPlain for any other. */
function openPlainSeries(source: ByteSource, modelColumns?: readonly string[], onBlock?: () => void): SeriesReader {
  const { text, whole } = plainHead(source);
  const delimiter = sniffDelimiter(text);
  const sample = firstRows(text, delimiter, SAMPLE_ROWS);
  // The sample must be the one that is taken of the whole file.
  if (!whole && sample.length < SAMPLE_ROWS) throw new NotPlain();
  const table = readTable(sample, modelColumns);
  const { hasHeader, valuePlaces, timestampPlace, names } = table;
  const layout = {
    delimiter: delimiter.charCodeAt(0),
    columns: names.length,
    ...{ valuePlaces, timestampPlace, hasHeader },
  };
  const readCells: ReadCells = (points, carry) => plainBlocks(source, layout, points, carry);
  return surveyed(table, readCells, () => 1, onBlock);
}

/** The first rows as text, and whether they are all there are; throws NotPlain where they are not plain. */
function plainHead(source: ByteSource): { text: string; whole: boolean } {
  const [piece = new Uint8Array(0)] = source.pieces();
  const whole = piece.length < PLAIN_HEAD_BYTES;
  const first = piece.subarray(0, PLAIN_HEAD_BYTES);
  const head = whole ? first : first.subarray(0, first.lastIndexOf(LINE_FEED) + 1);
  const text = new TextDecoder('latin1').decode(head);
  if (!isPlainText(head) || text.trim() === '' || /^\s*\n|\r(?!\n)/.test(text)) throw new NotPlain();
  return { text: text.replaceAll('\r\n', '\n'), whole };
}

/** {@link openSeries} for any CSV, cell by cell: the rule that the other way is held to. */
export function openAnySeries(
  source: ByteSource,
  modelColumns?: readonly string[],
  onBlock?: () => void,
): SeriesReader {
  const encoding = encodingOf(source);
  const head = headOf(decodeText(source, encoding));
  if (head === '') {
    throw new AppError('EMPTY_FILE', 'The file is empty: expected a CSV with a number in each row.');
  }
  const delimiter = sniffDelimiter(head);
  const rows = () => rowsOf(decodeText(source, encoding), delimiter);
  const table = readSample(firstRows(head, delimiter, SAMPLE_ROWS), rows, modelColumns);
  const readCells: ReadCells = (points, carry) => anyBlocks(rows(), delimiter, table, points, carry);
  const firstRow = () => {
    const [{ row }] = rows();
    return row;
  };
  return surveyed(table, readCells, firstRow, onBlock);
}

/** {@link readTable}; but a quote that is never closed hides all that comes after it, numbers as well. */
function readSample(sample: string[][], rows: () => Iterable<Row>, modelColumns?: readonly string[]): Table {
  try {
    return readTable(sample, modelColumns);
  } catch (error) {
    const again = rows()[Symbol.iterator]();
    let left = SAMPLE_ROWS;
    while (left > 0 && !again.next().done) left -= 1;
    throw error;
  }
}

/**
 * Reads all cells once, to see that they are as they should be and what they hold.
 *
 * @param firstRow tells which row is the first that is not blank, counted from 1
 */
function surveyed(table: Table, readCells: ReadCells, firstRow: () => number, onBlock?: () => void): SeriesReader {
  const { columns } = table;
  const hasValue = columns.map(() => false);
  const timestamps: string[] = [];
  let length = 0;
  for (const block of readCells(BLOCK_POINTS, false)) {
    length += block.length;
    columns.forEach((_, j) => (hasValue[j] ||= hasNumber(block.values, j, columns.length)));
    if (timestamps.length < SAMPLING_POINTS) timestamps.push(...(block.timestamps ?? []));
    onBlock?.();
  }
  const empty = hasValue.indexOf(false);
  if (empty >= 0) {
    throw new AppError('NO_NUMBERS', `Column ${columns[empty]} has no number in it.`, { column: columns[empty] });
  }
  const header = table.names.map((name, place) => {
    const column = table.valuePlaces.indexOf(place);
    if (column >= 0) return columns[column];
    return table.hasHeader ? name : 'timestamp';
  });
  return {
    ...{ length, columns, header },
    sampling: measureSampling(timestamps.slice(0, SAMPLING_POINTS)),
    rowOf: (point) => firstRow() + Number(table.hasHeader) + point,
    blocks: (points, carry) => fillGaps(readCells(points, carry), columns.length),
  };
}

function hasNumber(values: Float64Array, column: number, width: number): boolean {
  for (let k = column; k < values.length; k += width) if (!Number.isNaN(values[k])) return true;
  return false;
}

/** Reads a whole CSV, see {@link openSeries}. */
export function readSeries(bytes: Uint8Array, modelColumns?: readonly string[]): Series {
  const reader = openSeries(bytesInMemory(bytes), modelColumns);
  return wholeSeries(reader, reader.blocks(BLOCK_POINTS, false));
}

/** All blocks of a series as one. */
export function wholeSeries(
  { length, columns, sampling }: Pick<SeriesReader, 'length' | 'columns' | 'sampling'>,
  blocks: Iterable<SeriesBlock>,
): Series {
  const values = new Float64Array(length * columns.length);
  const missing = new Uint8Array(length);
  let timestamps: string[] | undefined;
  let first = 0;
  for (const block of blocks) {
    values.set(block.values, first * columns.length);
    missing.set(block.missing, first);
    if (block.timestamps) {
      timestamps ??= [];
      for (const timestamp of block.timestamps) timestamps.push(timestamp);
    }
    first += block.length;
  }
  return { length, columns, sampling, values, missing, timestamps };
}

/** The cells of any CSV, block by block. */
function* anyBlocks(
  rows: Iterable<Row>,
  delimiter: Delimiter,
  table: Table,
  points: number,
  carry: boolean,
): Generator<CellBlock> {
  const block = new BlockBuilder(points, table.columns.length, table.timestampPlace >= 0, carry);
  const numbers = new NumberReader(delimiter !== ',');
  let headerSeen = !table.hasHeader;
  for (const { cells, row } of rows) {
    if (headerSeen) addRow(block, cells, row, table, numbers, carry);
    headerSeen = true;
    if (block.length === points) yield block.take();
  }
  if (block.length > 0) yield block.take();
}

function addRow(
  block: BlockBuilder,
  cells: string[],
  row: number,
  table: Table,
  numbers: NumberReader,
  carry: boolean,
): void {
  if (cells.length > 0 && cells.length !== table.names.length) throw wrongCellCount(cells, row, table);
  const texts = table.names.map((_, place) => (cells[place] ?? '').trim());
  table.valuePlaces.forEach((place, j) => {
    const value = numbers.read(texts[place]);
    if (Number.isNaN(value) && !isMissing(texts[place])) {
      throw notANumber(texts[place], row, table.names[place], numbers.expected);
    }
    block.setValue(j, value);
    texts[place] = texts[place].replace(',', '.');
  });
  if (table.timestampPlace >= 0) block.setTimestamp(texts[table.timestampPlace]);
  if (carry) block.carry(Buffer.from(texts.map(csvCell).join()));
  block.endRow();
}

/** Quotes a cell where RFC 4180 asks for it. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function notANumber(cell: string, row: number, column: string, expected: string): AppError {
  const received = quote(cell);
  const hint = DATE.test(cell) ? ' Timestamps are read as ISO 8601, such as 2024-01-31T10:00:00Z, or as an epoch.' : '';
  return new AppError('NOT_A_NUMBER', `Row ${row}, column ${column}: expected ${expected}, got ${received}.${hint}`, {
    ...{ row, column, expected, received },
  });
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
