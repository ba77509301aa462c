import type { Calibration, ModelDescription } from '../inference/metadata.js';
import type { Anomaly } from '../detection/interval.js';
import { Judge, type Verdict, type VerdictOptions } from '../detection/verdict.js';
import type { Warning } from '../detection/warnings.js';
import type { Times } from './times.js';

/** A series with all that the server's scored CSV says of its points. */
export interface Scored {
  /** The number of points, n. */
  length: number;
  /** The names of the c value columns. */
  columns: string[];
  /** The values, shape [n, c], row by row, in the units of the input. */
  values: Float64Array;
  /** What the model expected, shape [n, c], row by row, in the units of the input. */
  expected: Float64Array;
  /** The reconstruction error of each point, shape [n]. */
  error: Float32Array;
  /** The same for each column, shape [n, c], row by row. */
  columnError: Float32Array;
  /** 1 where a point lacks a value, shape [n]. */
  missing: Uint8Array;
  /** The same, and 1 as well for the first point after a gap between timestamps, shape [n]. */
  gaps: Uint8Array;
  /** The timestamps, where the CSV has them. */
  times?: Times;
  /** The errors of this series as quantiles, for `reference: request`. */
  calibration: Calibration;
  /** Reasons for doubt; those that have to do with the threshold do not count. */
  warnings: Warning[];
}

const OF_THE_THRESHOLD = ['MODEL_DOES_NOT_FIT', 'PERCENTILE_BEYOND_DATA'];

/** Judges a scored series as the server does, by the server's own code, without asking it. */
export function rejudge(scored: Scored, model: ModelDescription, options: VerdictOptions): Verdict {
  const { length, columns, values, expected, error, columnError, times } = scored;
  const metadata = options.reference === 'request' ? { ...model, calibration: scored.calibration } : model;
  const missing = options.missing === 'flag' ? scored.gaps : scored.missing;
  const judge = new Judge({ columns }, metadata, options);
  judge.add({ length, values, missing, reconstruction: { error, columnError, expected } });
  judge.end();
  const { verdict } = judge;
  const anomalies = verdict.anomalies.map((anomaly) => withTimestamps(anomaly, times));
  const isOfTheThreshold = ({ code }: Warning) => OF_THE_THRESHOLD.includes(code);
  const lasting = scored.warnings.filter((warning) => !isOfTheThreshold(warning));
  const warnings = [...lasting, ...verdict.warnings.filter(isOfTheThreshold)];
  return { ...verdict, anomalies, warnings };
}

function withTimestamps(anomaly: Anomaly, times: Times | undefined): Anomaly {
  if (!times) return anomaly;
  return { ...anomaly, startTimestamp: times.label(anomaly.start), endTimestamp: times.label(anomaly.end) };
}
