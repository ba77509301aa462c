import type { Calibration } from '../inference/metadata.js';

// Fine where thresholds lie: steps of 1 up to 90, of 0.1 up to 99, of 0.01 up to 99.9, of 0.001 up to 99.99.
const PERCENTILES = [
  ...steps(0, 90, 1),
  ...steps(90, 99, 0.1),
  ...steps(99, 99.9, 0.01),
  ...steps(99.9, 99.99, 0.001),
  99.99,
  100,
];

function steps(from: number, to: number, step: number): number[] {
  const count = Math.round((to - from) / step);
  return Array.from({ length: count }, (_, i) => Number((from + i * step).toFixed(3)));
}

/** Summarises the errors of normal points as quantiles, linearly interpolated between neighbours. */
export function calibrate(normalErrors: Float32Array): Calibration {
  const sorted = Float64Array.from(normalErrors).sort();
  const errors = PERCENTILES.map((percentile) => {
    const place = (percentile / 100) * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  });
  return { points: sorted.length, percentiles: PERCENTILES, errors };
}

/** The error that `percentile` (0 to 100) of the normal errors do not exceed. */
export function errorAtPercentile(calibration: Calibration, percentile: number): number {
  return interpolate(calibration.percentiles, calibration.errors, percentile);
}

/** The share (0 to 1) of normal errors that lie below `error`. */
export function rankOf(calibration: Calibration, error: number): number {
  return interpolate(calibration.errors, calibration.percentiles, error) / 100;
}

/** Linear interpolation through rising points, constant outside them. */
function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  const above = xs.findIndex((candidate) => candidate >= x);
  if (above < 0) return ys[ys.length - 1];
  if (above === 0) return ys[0];
  const [x0, x1] = [xs[above - 1], xs[above]];
  return ys[above - 1] + ((ys[above] - ys[above - 1]) * (x - x0)) / (x1 - x0);
}
