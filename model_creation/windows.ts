import type { Scaling } from './prepare.js';

/** How a head of the autoencoder looks at a series. */
export interface Head {
  /** The columns that it sees, by their place: one, or all of them together. */
  columns: number[];
  /** Points in a window. */
  window: number;
  /** Points from the start of one window to that of the next. */
  stride: number;
  /**
   * Whether each window is taken less its mean and over its spread, so that the head sees shapes and
   * not levels.
   */
  normalised: boolean;
}

/** Windows as rows of a matrix. */
export interface Windows {
  count: number;
  /** Values in a row: the window of the first column that the head sees, then that of the second, and so on. */
  size: number;
  values: Float64Array;
  /** The first point of each window. */
  starts: number[];
}

/**
 * The first points of the windows over a series of `length` points: one each `stride`, and one more
 * that ends with the series, so that every point has a window.
 */
export function windowStarts(length: number, { window, stride }: Head): number[] {
  const last = length - window;
  const starts = Array.from({ length: Math.floor(last / stride) + 1 }, (_, i) => i * stride);
  return [...starts, last];
}

/** Scales a series in double and cuts its windows. */
export function cutWindows(
  series: Float64Array,
  scaling: Scaling[],
  head: Head,
  varianceFloor: number,
  starts = windowStarts(series.length / scaling.length, head),
): Windows {
  const width = scaling.length;
  const { window, columns } = head;
  const size = columns.length * window;
  const values = new Float64Array(starts.length * size);
  starts.forEach((start, row) => {
    columns.forEach((j, place) => {
      const { mean, scale } = scaling[j];
      const part = values.subarray(row * size + place * window, row * size + (place + 1) * window);
      for (let k = 0; k < window; k++) part[k] = (series[(start + k) * width + j] - mean) / scale;
      if (head.normalised) normalise(part, varianceFloor);
    });
  });
  return { count: starts.length, size, values, starts };
}

/** The floor keeps the noise of a flat window from being blown up to a shape. */
function normalise(part: Float64Array, varianceFloor: number): void {
  const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
  const variance = part.reduce((sum, value) => sum + (value - mean) ** 2, 0) / part.length;
  const spread = Math.sqrt(variance + varianceFloor);
  for (let k = 0; k < part.length; k++) part[k] = (part[k] - mean) / spread;
}
