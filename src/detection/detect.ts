import type { Model, ModelIdentity, Reconstruction } from '../inference/model.js';
import { type Series, readSeries } from './series.js';
import { type Verdict, type VerdictOptions, judge } from './verdict.js';

/** A series with all that the model says of it. */
export interface Detection {
  model: ModelIdentity;
  series: Series;
  reconstruction: Reconstruction;
  verdict: Verdict;
  /** The model's window, in points. */
  window: number;
  /** Milliseconds spent on each step. */
  timings: { parsing: number; inference: number; verdict: number };
}

/** What scores the points of a series: a model, or something that has one do it. */
export type Scorer = Pick<Model, 'columns' | 'metadata' | 'identity' | 'reconstruct'>;

/** What watches over a detection. */
export interface Watch {
  /** Called now and then; what it throws ends the work. */
  checkpoint?: () => void;
  /** Called with the share of the points scored so far, 0 to 1. */
  onProgress?: (share: number) => void;
}

/**
 * The whole story: reads a CSV, scores every point, and says which are anomalous.
 *
 * @param csv the bytes of the CSV, see {@link readSeries}
 * @throws AppError with the code that says what is wrong with the CSV
 */
export async function detect(
  csv: Uint8Array,
  model: Scorer,
  options: VerdictOptions = {},
  { checkpoint, onProgress }: Watch = {},
): Promise<Detection> {
  const started = performance.now();
  const series = readSeries(csv, model.columns, checkpoint);
  const parsed = performance.now();
  const reconstruction = await model.reconstruct(series.values, {
    onProgress: (share) => {
      checkpoint?.();
      onProgress?.(share);
    },
  });
  const scored = performance.now();
  const verdict = judge(series, reconstruction, model.metadata, options);
  const judged = performance.now();
  return {
    model: model.identity,
    series,
    reconstruction,
    verdict,
    window: model.metadata.window,
    timings: { parsing: parsed - started, inference: scored - parsed, verdict: judged - scored },
  };
}
