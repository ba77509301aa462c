import type { WholeDetection } from '../src/detection/detect.js';
import type { Series } from '../src/detection/series.js';
import type { Params } from './params.js';

/** How well a model finds the labelled anomaly of a test series. */
export interface Evaluation {
  /** The point with the largest error, counted from 0. */
  largestErrorAt: number;
  /**
   * 1 where that point lies within the tolerance of the anomaly, else 0. The measure of the UCR
   * Anomaly Archive (Wu and Keogh, IEEE TKDE 2021).
   */
  ucrAccuracy: number;
  /** 1 where a flagged interval at the default threshold touches the anomaly, else 0. */
  anomalyFlagged: number;
  /** The share of the points outside the anomaly that are flagged. */
  falseAlarmShare: number;
  /** The share of the anomaly's points that are flagged. */
  recall: number;
}

/** Holds a detection against the label of its series. */
export function evaluate(
  { verdict, isAnomaly, reconstruction, series }: WholeDetection,
  label: Params['evaluate'],
): Evaluation {
  const [first, last] = label.anomaly;
  const { error } = reconstruction;
  const largestErrorAt = largestOf(error);
  const inside = isAnomaly.subarray(first, last + 1).reduce((sum, flag) => sum + flag, 0);
  const anomalyLength = last - first + 1;
  return {
    largestErrorAt,
    ucrAccuracy: Number(isNear(largestErrorAt, label)),
    anomalyFlagged: Number(inside > 0),
    falseAlarmShare: (verdict.anomalousPoints - inside) / (series.length - anomalyLength),
    recall: inside / anomalyLength,
  };
}

/**
 * Whether trivial scores find the labelled anomaly: how far a value lies from the mean of the series,
 * and how far from its neighbour. A test series on which they do shows little of a detector (Wu and
 * Keogh, IEEE TKDE 2021).
 *
 * @returns the UCR accuracy of each, 1 or 0
 */
export function trivialBaselines(
  { values, columns, length }: Series,
  label: Params['evaluate'],
): Record<string, number> {
  const width = columns.length;
  const first = Float64Array.from({ length }, (_, i) => values[i * width]);
  const mean = first.reduce((sum, value) => sum + value, 0) / length;
  const distance = first.map((value) => Math.abs(value - mean));
  const difference = first.map((value, i) => Math.abs(value - first[Math.max(0, i - 1)]));
  return {
    distanceFromMean: Number(isNear(largestOf(distance), label)),
    differenceFromNeighbour: Number(isNear(largestOf(difference), label)),
  };
}

function largestOf(scores: Float32Array | Float64Array): number {
  let largest = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i] > scores[largest]) largest = i;
  return largest;
}

function isNear(point: number, { anomaly: [first, last], tolerance }: Params['evaluate']): boolean {
  return point >= first - tolerance && point <= last + tolerance;
}
