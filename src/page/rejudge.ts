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

/** A verdict, and whether the server is still needed to say which columns are to blame. */
export interface ScreenVerdict extends Verdict {
  /** The server decides about columns, and about the options that depend on them. */
  awaitsServer: boolean;
}

const OF_THE_THRESHOLD = ['MODEL_DOES_NOT_FIT', 'PERCENTILE_BEYOND_DATA'];

/**
 * Judges a scored series as the server does, by the server's own function, without asking it. Of several
 * columns only the server knows which are to blame: until it has said so, `columns` of an interval is
 * empty, and no interval is left out for its direction or deviation.
 */
export function rejudge(scored: Scored, model: ModelDescription, options: VerdictOptions): ScreenVerdict {
  const { length, columns, values, expected, error, times } = scored;
  const awaitsServer = columns.length > 1;
  const { reference, detectionDirection, minDeviation, ...others } = options;
  const wanted = awaitsServer ? others : { ...others, detectionDirection, minDeviation };
  const metadata = reference === 'request' ? { ...model, calibration: scored.calibration } : model;
  const missing = options.missing === 'flag' ? scored.gaps : scored.missing;
  const columnError = awaitsServer ? new Float32Array(values.length) : error;
  const judge = new Judge({ columns }, metadata, wanted);
  judge.add({ length, values, missing, reconstruction: { error, columnError, expected } });
  judge.end();
  const { verdict } = judge;
  const anomalies = verdict.anomalies.map((anomaly) => ({
    ...withTimestamps(anomaly, times),
    ...(awaitsServer && { columns: [], deviation: NaN }),
  }));
  const isOfTheThreshold = ({ code }: Warning) => OF_THE_THRESHOLD.includes(code);
  const lasting = scored.warnings.filter((warning) => !isOfTheThreshold(warning));
  const warnings = [...lasting, ...verdict.warnings.filter(isOfTheThreshold)];
  return { ...verdict, anomalies, warnings, awaitsServer };
}

function withTimestamps(anomaly: Anomaly, times: Times | undefined): Anomaly {
  if (!times) return anomaly;
  return { ...anomaly, startTimestamp: times.label(anomaly.start), endTimestamp: times.label(anomaly.end) };
}
