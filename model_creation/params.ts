import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const share = z.number().gt(0).lt(1);
const count = z.number().int().positive();

const paramsSchema = z.strictObject({
  /** How the model introduces itself. */
  model: z.strictObject({
    name: z.string(),
    version: z.string(),
    description: z.string().optional(),
    date: z.iso.date().optional(),
  }),
  prepare: z.strictObject({
    /** The share of the training series, before its end, that decides when to stop training. */
    validationShare: share,
    /** The share at its end that the fit never sees and that calibrates the threshold. */
    calibrationShare: share,
  }),
  train: z.strictObject({
    /** Points in a window. */
    window: count,
    /** Units of the layers between input and output; the smallest is the bottleneck. */
    layers: z.array(count).min(1),
    /** Passes over the training windows, at most. */
    epochs: count,
    /** Passes without a lower validation loss after which training stops. */
    patience: count,
    /** Windows in a step of the optimiser. */
    batchSize: count,
    /** The step size of Adam. */
    learningRate: z.number().positive(),
    /** The seed of the initial weights and of the order of the windows. */
    seed: z.number().int(),
  }),
  export: z.strictObject({
    /** The default percentile of the normal errors that the threshold is built on, 0 to 100. */
    percentile: z.number().min(0).max(100),
    /** The factor between that percentile and the threshold, 1 or more. */
    margin: z.number().min(1),
  }),
  evaluate: z.strictObject({
    /** The first and the last anomalous point of the test series, counted from 0. */
    anomaly: z.tuple([z.number().int(), z.number().int()]),
    /** How far from the anomaly, in points, the largest error may lie and still count as found. */
    tolerance: z.number().int().nonnegative(),
  }),
});

/** All numbers of model creation. */
export type Params = z.infer<typeof paramsSchema>;

/**
 * Reads and checks `params.yaml`.
 *
 * @throws Error that names what is wrong with the file
 */
export function readParams(path: string): Params {
  const checked = paramsSchema.safeParse(parse(readFileSync(path, 'utf8')));
  if (!checked.success) throw new Error(`${path}:\n${z.prettifyError(checked.error)}`);
  return checked.data;
}
