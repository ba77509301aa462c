import { calibrate } from '../src/detection/calibration.js';
import { sha256Of } from '../src/hash.js';
import { formatVersion, type ModelMetadata, writeMetadata } from '../src/inference/metadata.js';
import { Model } from '../src/inference/model.js';
import { parseModelFile } from '../src/inference/model-file.js';
import type { Epoch, Fitted, FittedHead } from './autoencoder.js';
import { encodeModel } from './onnx.js';
import { buildGraph, type GraphHead } from './onnx-graph.js';
import type { Params } from './params.js';
import { measureParity } from './parity.js';
import type { Prepared } from './prepare.js';

// Below it the errors of a head are rounding, and to divide by them would blow it up.
const SMALLEST_ERROR_SCALE = 1e-3;

/**
 * Turns fitted heads into a model file. Every normal error comes from heads that were fitted to the
 * other blocks of the series: all of it calibrates, and none of it was seen. First each head alone
 * tells what its errors are divided by, then all together tell the quantiles.
 *
 * @param epochs the course of the fit
 * @returns the bytes of the ONNX file
 */
export async function exportModel(
  prepared: Prepared,
  fitted: Fitted,
  epochs: Epoch[],
  params: Params,
): Promise<Uint8Array> {
  const scales = await errorScales(prepared, fitted, params);
  const scaled = (heads: FittedHead[]) => heads.map((head, h) => ({ ...head, errorScale: scales[h] }));
  const heldOut = await forEachBlock(prepared, fitted, async (heads, block) => {
    return (await scoreWith(scaled(heads), block, prepared, params, prepared.periods)).error;
  });
  const heads = scaled(fitted.whole);
  const draft = metadataOf(prepared, heads, joinErrors(heldOut), {}, params);
  const model = await Model.create(parseModelFile(encode(heads, prepared, params, prepared.periods, draft)));
  const last = epochs[epochs.length - 1];
  const parity = await measureParity(model, heads, prepared, params, prepared.blocks[0]);
  await model.release();
  const metrics = { epochs: epochs.length, ...lossesOf(last), largestRelativeDifference: parity };
  return encode(heads, prepared, params, prepared.periods, { ...draft, metrics });
}

function lossesOf(last: Epoch | undefined): Record<string, number> {
  return last ? { loss: last.loss, validationLoss: last.validationLoss } : {};
}

/** For each head and each column that it sees, a high quantile of its errors on blocks that it was not fitted to. */
export async function errorScales(prepared: Prepared, fitted: Fitted, params: Params): Promise<number[][]> {
  const width = prepared.columns.length;
  const scales: number[][] = [];
  const unsmoothed = prepared.columns.map(() => 1);
  for (const [h, { normalised, columns }] of fitted.whole.entries()) {
    const errors = await forEachBlock(prepared, fitted, async (heads, block) => {
      const alone = { ...heads[h], errorScale: columns.map(() => 1) };
      return (await scoreWith([alone], block, prepared, params, unsmoothed)).columnError;
    });
    const joined = joinErrors(errors);
    const byColumn = columns.map((j) =>
      percentileOf(
        joined.filter((_value, k) => k % width === j),
        params.export.errorScalePercentile,
      ),
    );
    // The graph takes the root of what the level head says.
    scales.push(byColumn.map((scale) => Math.max(SMALLEST_ERROR_SCALE, normalised ? scale : scale ** 2)));
  }
  return scales;
}

async function forEachBlock(
  { blocks }: Prepared,
  { without }: Fitted,
  score: (heads: FittedHead[], block: Float64Array) => Promise<Float32Array>,
): Promise<Float32Array[]> {
  const errors: Float32Array[] = [];
  for (const [i, block] of blocks.entries()) errors.push(await score(without[i], block));
  return errors;
}

async function scoreWith(
  heads: GraphHead[],
  block: Float64Array,
  prepared: Prepared,
  params: Params,
  smoothing: number[],
) {
  const draft = metadataOf(prepared, heads, Float32Array.of(0, 1), {}, params);
  const model = await Model.create(parseModelFile(encode(heads, prepared, params, smoothing, draft)));
  try {
    return await model.reconstruct(block);
  } finally {
    await model.release();
  }
}

function encode(
  heads: GraphHead[],
  { scaling }: Prepared,
  { train: { varianceFloor }, export: { levelWeight } }: Params,
  smoothing: number[],
  metadata: ModelMetadata,
): Uint8Array {
  const onnx = buildGraph({ scaling, heads, varianceFloor, levelWeight, smoothing });
  writeMetadata(onnx, metadata);
  return encodeModel(onnx);
}

function metadataOf(
  prepared: Prepared,
  heads: GraphHead[],
  normalErrors: Float32Array,
  metrics: Record<string, number>,
  params: Params,
): ModelMetadata {
  const { name, version, description, date } = params.model;
  const window = Math.max(...heads.map((head) => head.window));
  return {
    formatVersion,
    name,
    version,
    description,
    columns: prepared.columns,
    samplingInterval: prepared.samplingInterval,
    window,
    // The windows over a point, and over the points that it is smoothed with, and the one that ends the part.
    context: window + Math.ceil(Math.max(...prepared.periods) / 2) + 1,
    alignment: heads.map(({ stride }) => stride).reduce(leastCommonMultiple),
    heads: heads.map(({ columns: places, window: points, stride, normalised, count }) => {
      const columns = places.map((j) => prepared.columns[j].name);
      return { columns, window: points, stride, normalised, prototypes: count };
    }),
    calibration: calibrate(normalErrors),
    defaults: { percentile: params.export.percentile, margin: params.export.margin },
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

function percentileOf(errors: Float32Array, percentile: number): number {
  return errors.sort()[Math.floor((percentile / 100) * (errors.length - 1))];
}

function joinErrors(parts: Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    joined.set(part, filled);
    filled += part.length;
  }
  return joined;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a * b) / x;
}
