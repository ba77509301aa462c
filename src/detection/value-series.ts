import { AppError } from '../errors.js';
import type { CellBlock } from './cell-block.js';
import { fillGaps } from './gaps.js';
import type { SeriesReader } from './series.js';

/**
 * Gives values that are in memory as a series.
 *
 * @param values shape [n, c] row by row, in the units of the input; NaN is a missing value
 * @param columns the names of the c columns
 * @throws AppError NOT_A_NUMBER where a value is infinite, NO_NUMBERS where a column has no value at all
 */
export function openValues(values: Float64Array, columns: readonly string[]): SeriesReader {
  const width = columns.length;
  const hasValue = columns.map(() => values.length === 0);
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k])) continue;
    if (!Number.isFinite(values[k])) throw infinite(values[k], Math.floor(k / width), columns[k % width]);
    hasValue[k % width] = true;
  }
  const empty = hasValue.indexOf(false);
  if (empty >= 0) {
    throw new AppError('NO_NUMBERS', `Column ${columns[empty]} has no number in it.`, { column: columns[empty] });
  }
  return {
    length: values.length / width,
    columns: [...columns],
    header: [...columns],
    blocks: (points) => fillGaps(cut(values, points, width), width),
  };
}

/** Copies of runs of points: what is missing in them may be filled. */
function* cut(values: Float64Array, points: number, width: number): Generator<CellBlock> {
  for (let first = 0; first < values.length; first += points * width) {
    const part = values.slice(first, first + points * width);
    yield { length: part.length / width, values: part };
  }
}

function infinite(value: number, point: number, column: string): AppError {
  const expected = 'a finite number, or NaN where a value is missing';
  return new AppError('NOT_A_NUMBER', `Point ${point}, column ${column}: expected ${expected}, got ${value}.`, {
    ...{ column, expected, received: `${value}` },
  });
}
