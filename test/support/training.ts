import { readFileSync } from 'node:fs';
import type { GraphHead } from '../../model_creation/onnx-graph.js';
import { type Params, readParams } from '../../model_creation/params.js';
import { errorScales, exportModel } from '../../model_creation/export.js';
import { type Fitted, trainAutoencoder } from '../../model_creation/autoencoder.js';
import { type Prepared, prepare } from '../../model_creation/prepare.js';

/** The parameters of the product with a fit short enough for a test. */
export function quickParams(train: Partial<Params['train']> = {}): Params {
  const params = readParams('params.yaml');
  return { ...params, train: { ...params.train, epochs: 1, prototypes: 64, trainingWindows: 2048, ...train } };
}

/** Trains on the CSV of the product, or on another. */
export async function trainQuickly(
  params = quickParams(),
  csv: Uint8Array = readFileSync('model_creation/data/train.csv'),
) {
  const prepared = prepare(csv, params);
  const { fitted, epochs } = await trainAutoencoder(prepared, params.train, () => undefined);
  return { prepared, fitted, epochs, bytes: await exportModel(prepared, fitted, epochs, params) };
}

/** The heads of the whole fit with what their errors are divided by, as in the exported graph. */
export async function graphHeads(prepared: Prepared, fitted: Fitted, params: Params): Promise<GraphHead[]> {
  const scales = await errorScales(prepared, fitted, params);
  return fitted.whole.map((head, h) => ({ ...head, errorScale: scales[h] }));
}
