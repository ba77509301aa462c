import type { LayersModel } from '@tensorflow/tfjs-layers';
import { calibrate } from '../src/detection/calibration.js';
import { sha256Of } from '../src/hash.js';
import { type ModelMetadata, formatVersion, writeMetadata } from '../src/inference/metadata.js';
import { Model } from '../src/inference/model.js';
import { type Epoch, denseLayers } from './autoencoder.js';
import { encodeModel } from './onnx.js';
import { buildGraph } from './onnx-graph.js';
import type { Params } from './params.js';
import { measureParity } from './parity.js';
import type { Prepared } from './prepare.js';

/**
 * Turns a fitted autoencoder into a model file: writes the graph, calibrates it on the held-out part
 * of the series, and measures how far its errors lie from those of the reference.
 *
 * @param epochs the course of the fit
 * @returns the bytes of the ONNX file
 */
export async function exportModel(
  prepared: Prepared,
  network: LayersModel,
  epochs: Epoch[],
  params: Params,
): Promise<Uint8Array> {
  const { window } = params.train;
  const { scaling, parts } = prepared;
  const onnx = buildGraph({ window, scaling, layers: denseLayers(network) });
  // The graph itself says what its errors are, so it must run once before it can be calibrated.
  writeMetadata(onnx, metadataOf(prepared, params, Float32Array.of(0, 1), {}));
  const model = await Model.fromBytes(encodeModel(onnx));
  const { error } = await model.reconstruct(parts.calibration);
  const best = epochs.reduce((a, b) => (b.validationLoss < a.validationLoss ? b : a));
  const metrics = {
    epochs: epochs.length,
    loss: best.loss,
    validationLoss: best.validationLoss,
    largestRelativeDifference: await measureParity(model, network, scaling, parts.calibration),
  };
  await model.release();
  writeMetadata(onnx, metadataOf(prepared, params, error, metrics));
  return encodeModel(onnx);
}

function metadataOf(
  prepared: Prepared,
  params: Params,
  normalErrors: Float32Array,
  metrics: Record<string, number>,
): ModelMetadata {
  const { name, version, description, date } = params.model;
  return {
    formatVersion,
    name,
    version,
    description,
    columns: prepared.columns,
    window: params.train.window,
    calibration: calibrate(normalErrors),
    defaults: params.export,
    metrics,
    provenance: {
      dataSha256: prepared.dataSha256,
      paramsSha256: sha256Of(JSON.stringify({ ...params, evaluate: undefined })),
      trainingPoints: prepared.points,
      seed: params.train.seed,
      date,
    },
  };
}
