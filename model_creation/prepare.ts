import { readSeries } from '../src/detection/series.js';
import { AppError } from '../src/errors.js';
import { sha256Of } from '../src/hash.js';
import type { ModelColumn } from '../src/inference/metadata.js';
import type { Params } from './params.js';
import { findPeriod } from './period.js';

/** How the raw values of a column become scaled ones: (value − mean) / scale. */
export interface Scaling {
  mean: number;
  /** The standard deviation; for a column that never changes its size, or 1 where that is 0. */
  scale: number;
}

/** A training series, ready for the fit. */
export interface Prepared {
  /** The columns with the range of their values. */
  columns: ModelColumn[];
  /** One for each column. */
  scaling: Scaling[];
  /** The period of each column, in points; that of a column that never changes is the longest of the others. */
  periods: number[];
  /** Raw values of each block of the series, row by row, in the order in which they follow each other. */
  blocks: Float64Array[];
  /** The number of points of the whole series. */
  points: number;
  /** The median time between neighbouring points in seconds, where the CSV has timestamps. */
  samplingInterval?: number;
  /** SHA-256 of the CSV. */
  dataSha256: string;
}

/**
 * Reads a CSV of normal data, measures it, and cuts it into blocks.
 *
 * @throws AppError TOO_FEW_POINTS or CONSTANT_SERIES where the data cannot support a model
 */
export function prepare(csv: Uint8Array, params: Params): Prepared {
  const { columns, values, length, sampling } = readSeries(csv);
  const width = columns.length;
  const { blocks, period } = params.prepare;
  // A block must hold a window, and a window is at most an eighth of the series.
  const needed = 8 * period.shortest;
  if (length < needed) throw tooFewPoints(length, needed);
  const byColumn = columns.map((_, j) => columnOf(values, j, width));
  const changing = byColumn.filter((column) => !isConstant(column));
  if (changing.length === 0) throw constantSeries(columns);
  const longest = Math.max(...changing.map((column) => findPeriod(column, period)));
  const edges = Array.from({ length: blocks + 1 }, (_, i) => Math.round((i * length) / blocks) * width);
  return {
    columns: columns.map((name, j) => ({ name, ...rangeOf(byColumn[j]) })),
    scaling: byColumn.map(scalingOf),
    periods: byColumn.map((column) => (isConstant(column) ? longest : findPeriod(column, period))),
    blocks: edges.slice(0, -1).map((edge, i) => values.slice(edge, edges[i + 1])),
    points: length,
    samplingInterval: sampling?.interval,
    dataSha256: sha256Of(csv),
  };
}

function tooFewPoints(length: number, needed: number): AppError {
  return new AppError(
    'TOO_FEW_POINTS',
    `The training series has ${length} points; a model needs at least ${needed} points of normal data.`,
    { expected: `at least ${needed} points`, received: `${length}` },
  );
}

function constantSeries(columns: string[]): AppError {
  const what = columns.length === 1 ? `Column "${columns[0]}" never changes` : 'No column ever changes';
  return new AppError('CONSTANT_SERIES', `${what}: there is no shape to learn. A threshold on the value does better.`, {
    expected: 'a column that changes',
  });
}

function columnOf(values: Float64Array, j: number, width: number): Float64Array {
  return Float64Array.from({ length: values.length / width }, (_, i) => values[i * width + j]);
}

function isConstant(column: Float64Array): boolean {
  return column.every((value) => value === column[0]);
}

function rangeOf(column: Float64Array): { min: number; max: number } {
  return column.reduce(({ min, max }, value) => ({ min: Math.min(min, value), max: Math.max(max, value) }), {
    min: Infinity,
    max: -Infinity,
  });
}

function scalingOf(column: Float64Array): Scaling {
  if (isConstant(column)) return { mean: column[0], scale: Math.abs(column[0]) || 1 };
  const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
  const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
  return { mean, scale: Math.sqrt(variance) };
}
