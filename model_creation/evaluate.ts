import type { Detection } from '../src/detection/detect.js';
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
export function evaluate({ verdict, reconstruction, series }: Detection, label: Params['evaluate']): Evaluation {
  const [first, last] = label.anomaly;
  const { error } = reconstruction;
  const largestErrorAt = error.reduce((peak, value, i) => (value > error[peak] ? i : peak), 0);
  const inside = verdict.isAnomaly.subarray(first, last + 1).reduce((sum, flag) => sum + flag, 0);
  const anomalyLength = last - first + 1;
  const near = largestErrorAt >= first - label.tolerance && largestErrorAt <= last + label.tolerance;
  return {
    largestErrorAt,
    ucrAccuracy: Number(near),
    anomalyFlagged: Number(inside > 0),
    falseAlarmShare: (verdict.anomalousPoints - inside) / (series.length - anomalyLength),
    recall: inside / anomalyLength,
  };
}
