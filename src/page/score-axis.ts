import { errorAtPercentile } from '../detection/calibration.js';
import { scoreOf } from '../detection/interval.js';
import type { Calibration } from '../inference/metadata.js';
import { measure } from './format.js';

/** A logarithmic axis of errors. */
export interface ErrorAxis {
  range: () => [low: number, high: number];
  /** The errors that are marked. */
  splits: () => number[];
  /** What is written at one of them. */
  label: (error: number) => string;
}

// Errors span decades; those far below the rest say nothing.
const LOWEST_PERCENTILE = 2;
const LEAST_ERROR = Number.EPSILON;
const POWERS = Array.from({ length: 13 }, (_, i) => 10 ** (i - 6));
const FINER = POWERS.flatMap((power) => [power, 2 * power, 5 * power]);
const FEWEST_MARKS = 3;

/** The error whose score is 1: the threshold, and a little more than nothing where that is 0. */
export function errorOfScoreOne(threshold: number): number {
  return 1 / scoreOf(1, threshold);
}

/**
 * An axis that is written in scores: errors stay where they are on screen, and it is the threshold that
 * moves among them.
 *
 * @param calibration the errors of the series that is shown
 */
export function scoreAxis(calibration: Calibration, threshold: () => number): ErrorAxis {
  const lowest = errorAtPercentile(calibration, LOWEST_PERCENTILE);
  const highest = errorAtPercentile(calibration, 100);
  const unit = () => errorOfScoreOne(threshold());
  const range = (): [number, number] => {
    const low = Math.max(Math.min(lowest, unit()), LEAST_ERROR);
    return [low / 1.5, Math.max(highest, unit(), low * 10) * 1.6];
  };
  const splits = () => {
    const [low, high] = range();
    const within = (scores: number[]) =>
      scores.map((score) => score * unit()).filter((error) => error >= low && error <= high);
    const marks = within(POWERS);
    return marks.length < FEWEST_MARKS ? within(FINER) : marks;
  };
  return { range, splits, label: (error) => measure(Number(scoreOf(error, threshold()).toPrecision(3))) };
}
