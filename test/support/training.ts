import { readFileSync } from 'node:fs';
import { type Params, readParams } from '../../model_creation/params.js';
import { exportModel } from '../../model_creation/export.js';
import { trainAutoencoder } from '../../model_creation/autoencoder.js';
import { prepare } from '../../model_creation/prepare.js';

/** The parameters of the product with a fit short enough for a test. */
export function quickParams(train: Partial<Params['train']> = {}): Params {
  const params = readParams('params.yaml');
  return { ...params, train: { ...params.train, epochs: 3, ...train } };
}

/** Trains on the CSV of the product, or on another. */
export async function trainQuickly(
  params = quickParams(),
  csv: Uint8Array = readFileSync('model_creation/data/train.csv'),
) {
  const prepared = prepare(csv, params);
  const { model: network, epochs } = await trainAutoencoder(prepared, params.train, () => undefined);
  return { prepared, network, epochs, bytes: await exportModel(prepared, network, epochs, params) };
}
