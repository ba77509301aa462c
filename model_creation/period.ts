/** The limits of what counts as a period, in points. */
export interface PeriodLimits {
  /** The shortest window that tells shapes apart. */
  shortest: number;
  /** The longest window that is worth its cost. */
  longest: number;
  /** What is taken where a series has no period. */
  fallback: number;
}

// A peak of the autocorrelation nearly as high as the highest is the period itself, not one of its multiples.
const NEARLY = 0.9;
// A window longer than this share of the series would leave too few of them.
const LARGEST_SHARE = 1 / 8;

/**
 * Finds the period of a series: the lag of the first peak of the autocorrelation of the detrended
 * series, after its first zero crossing, that comes within 90 % of the highest.
 *
 * @returns points, within the limits
 */
export function findPeriod(series: Float64Array, limits: PeriodLimits): number {
  const longest = Math.min(limits.longest, Math.floor(series.length * LARGEST_SHARE));
  const clip = (lag: number) => Math.min(longest, Math.max(limits.shortest, lag));
  const correlation = autocorrelation(detrend(series), longest + 1);
  const crossing = correlation.findIndex((value) => value < 0);
  if (crossing < 0) return clip(limits.fallback);
  const peaks = peaksFrom(correlation, crossing);
  const highest = Math.max(...peaks.map((lag) => correlation[lag]));
  const first = peaks.find((lag) => correlation[lag] > 0 && correlation[lag] >= NEARLY * highest);
  return clip(first ?? limits.fallback);
}

/** Takes away the straight line that fits best. */
function detrend(series: Float64Array): Float64Array {
  const middle = (series.length - 1) / 2;
  const mean = series.reduce((sum, value) => sum + value, 0) / series.length;
  const covariance = series.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
  const spread = series.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return series.map((value, i) => value - mean - (covariance / spread) * (i - middle));
}

/** For lags 0 to `longest`; at lag 0 it is 1, or 0 for a series that never changes. */
function autocorrelation(series: Float64Array, longest: number): number[] {
  const power = series.reduce((sum, value) => sum + value * value, 0);
  return Array.from({ length: longest + 1 }, (_, lag) => {
    let sum = 0;
    for (let i = lag; i < series.length; i++) sum += series[i] * series[i - lag];
    return power > 0 ? sum / power : 0;
  });
}

function peaksFrom(values: number[], start: number): number[] {
  const lags = values.map((_, lag) => lag).slice(Math.max(1, start), -1);
  return lags.filter((lag) => values[lag] > values[lag - 1] && values[lag] >= values[lag + 1]);
}
