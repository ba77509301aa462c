import { AppError, quote } from '../errors.js';
import { isMissing, isNumber } from './numbers.js';
import { ISO_8601 } from './timestamps.js';

/** How many rows are looked at to tell what the columns are. */
export const SAMPLE_ROWS = 100;

const TIMESTAMP_NAME = /^(time|timestamp|date|datetime|date_time|ts|epoch)$/i;
const EARLIEST_EPOCH = 1e8;

/** What the first rows say of the CSV's columns. */
export interface Table {
  hasHeader: boolean;
  names: string[];
  /** For each of the model's columns its place in the CSV. */
  valuePlaces: number[];
  columns: string[];
  /** The place of the timestamps, or -1. */
  timestampPlace: number;
}

/**
 * Tells from the first rows of a CSV what its columns are.
 *
 * @param sample the first {@link SAMPLE_ROWS} rows that are not blank, or as many as there are
 * @param modelColumns the model's columns; without them every column but the timestamps is a value
 * @throws AppError NO_NUMBERS where the rows do not tell which columns are values, WRONG_COLUMNS
 */
export function readTable(sample: string[][], modelColumns?: readonly string[]): Table {
  // Cells that are all blank leave no row to look at.
  const [first = []] = sample;
  const hasHeader = first.some((cell) => isText(cell));
  const body = hasHeader ? sample.slice(1) : sample;
  const names = first.map((cell, i) => (hasHeader ? cell.trim() : `${i + 1}`));
  if (!tellsValues(names, body, hasHeader, modelColumns)) throw noNumbers(sample);
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

/** Whether the rows tell which columns are values, though all that they have of them may be missing. */
function tellsValues(names: string[], body: string[][], hasHeader: boolean, modelColumns?: readonly string[]): boolean {
  if (body.some((cells) => cells.some(isNumber))) return true;
  if (hasHeader && modelColumns?.every((column) => names.includes(column))) return true;
  return body.length > 0 && !body.some((cells) => cells.some(isText));
}

/**
 * The place of the timestamps, or -1: never a column of the model, nor the only one there is. It is the
 * column with the most of them, and else the one whose name says so, where it can be nothing else.
 */
function findTimestamps(
  names: string[],
  body: string[][],
  hasHeader: boolean,
  modelColumns?: readonly string[],
): number {
  const fewest = modelColumns && !hasHeader ? modelColumns.length + 1 : 2;
  if (names.length < fewest) return -1;
  const isFree = (name: string) => !(hasHeader && modelColumns?.includes(name));
  const counts = names.map((name, place) => (isFree(name) ? countTimestamps(name, cellsAt(body, place)) : 0));
  const most = Math.max(...counts);
  if (most > body.length / 2) return counts.indexOf(most);
  return modelColumns ? names.findIndex((name) => isFree(name) && TIMESTAMP_NAME.test(name)) : -1;
}

function cellsAt(rows: string[][], place: number): string[] {
  return rows.map((row) => (row[place] ?? '').trim());
}

/** How many cells of a column can be read as timestamps, if that is what they are. */
function countTimestamps(name: string, cells: string[]): number {
  const dates = cells.filter((cell) => ISO_8601.test(cell)).length;
  const numbers = cells.filter(isNumber);
  const areEpochs = TIMESTAMP_NAME.test(name) || isEpoch(numbers.map(Number));
  return areEpochs ? Math.max(dates, numbers.length) : dates;
}

function isEpoch(seconds: number[]): boolean {
  return seconds.every((second, i) => second >= EARLIEST_EPOCH && (i === 0 || second > seconds[i - 1]));
}

function noNumbers(sample: string[][]): AppError {
  const where = sample.length < SAMPLE_ROWS ? '' : ` in the first ${SAMPLE_ROWS} rows`;
  return new AppError('NO_NUMBERS', `No number found${where}: expected a CSV with numbers in its rows.`, {
    received: quote((sample[0] ?? []).join(' ')),
  });
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
    if (place < 0) throw noColumn(column, names, modelColumns);
    if (names.indexOf(column, place + 1) >= 0) throw repeatedColumn(column);
    return place;
  });
}

function noColumn(column: string, names: string[], modelColumns: readonly string[]): AppError {
  const received = list(names);
  const alike = names.find((name) => name.toLowerCase() === column.toLowerCase());
  const hint = alike === undefined ? '' : ` Upper and lower case matter: "${alike}" is another name.`;
  return new AppError(
    'WRONG_COLUMNS',
    `The header has no column "${column}", which the model needs: it has ${received}.${hint}`,
    { column, expected: list(modelColumns), received },
  );
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

function repeatedColumn(column: string): AppError {
  return new AppError('WRONG_COLUMNS', `The header names the column "${column}" more than once.`, {
    row: 1,
    column,
    expected: 'each name once',
  });
}

/** A number of things in words: `1 cell`, `2 cells`. */
export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function list(names: readonly string[]): string {
  return quote(names.join(', '));
}
