import type { ModelColumn } from '../src/inference/metadata.js';
import { AppError } from '../src/errors.js';
import { sha256Of } from '../src/hash.js';
import { readSeries } from '../src/detection/series.js';
import type { Params } from './params.js';

/** How the raw values of a column become scaled ones: (value − mean) / scale. */
export interface Scaling {
  mean: number;
  /** The standard deviation; 1 for a column that never changes. */
  scale: number;
}

/** A training series, ready for the fit. */
export interface Prepared {
  /** The columns with the range of their values. */
  columns: ModelColumn[];
  /** One for each column, from the part that is fitted. */
  scaling: Scaling[];
  /** Raw values for each part of the series, row by row, in the order in which they follow each other. */
  parts: Record<Part, Float64Array>;
  /** The number of points of the whole series. */
  points: number;
  /** SHA-256 of the CSV. */
  dataSha256: string;
}

/** The parts of the training series: fitted, watched to stop in time, held out for the threshold. */
export type Part = 'fit' | 'validation' | 'calibration';

/**
 * Reads a CSV of normal data, cuts it into its parts and measures its columns.
 *
 * @throws AppError TOO_FEW_POINTS where a part would be shorter than a window
 */
export function prepare(csv: Uint8Array, params: Params): Prepared {
  const { columns, values, length } = readSeries(csv);
  const width = columns.length;
  const { validationShare, calibrationShare } = params.prepare;
  const calibrationStart = Math.round(length * (1 - calibrationShare));
  const fitEnd = Math.round(length * (1 - calibrationShare - validationShare));
  const parts = {
    fit: values.slice(0, fitEnd * width),
    validation: values.slice(fitEnd * width, calibrationStart * width),
    calibration: values.slice(calibrationStart * width),
  };
  requireWindows(parts, width, params.train.window, length);
  return {
    columns: columns.map((name, j) => ({ name, ...rangeOf(columnOf(values, j, width)) })),
    scaling: columns.map((_, j) => scalingOf(columnOf(parts.fit, j, width))),
    parts,
    points: length,
    dataSha256: sha256Of(csv),
  };
}

function requireWindows(parts: Prepared['parts'], width: number, window: number, length: number): void {
  const shortest = Math.min(...Object.values(parts).map((part) => part.length / width));
  if (shortest >= window) return;
  const needed = Math.ceil((length * window) / Math.max(1, shortest));
  throw new AppError(
    'TOO_FEW_POINTS',
    `The training series has ${length} points; with a window of ${window} it needs about ${needed}.`,
    { expected: `about ${needed} points`, received: `${length}` },
  );
}

function columnOf(values: Float64Array, j: number, width: number): Float64Array {
  return Float64Array.from({ length: values.length / width }, (_, i) => values[i * width + j]);
}

function rangeOf(column: Float64Array): { min: number; max: number } {
  return column.reduce(({ min, max }, value) => ({ min: Math.min(min, value), max: Math.max(max, value) }), {
    min: Infinity,
    max: -Infinity,
  });
}

function scalingOf(column: Float64Array): Scaling {
  const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
  const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
  // Rounding leaves a constant column with a variance that is not quite 0.
  const constant = column.every((value) => value === column[0]);
  return { mean: constant ? column[0] : mean, scale: constant ? 1 : Math.sqrt(variance) };
}
