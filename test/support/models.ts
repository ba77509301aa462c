import { calibrate } from '../../src/detection/calibration.js';
import { formatVersion, type ModelMetadata, writeMetadata } from '../../src/inference/metadata.js';
import { Model } from '../../src/inference/model.js';
import { parseModelFile } from '../../src/inference/model-file.js';
import { encodeModel } from '../../model_creation/onnx.js';
import { buildGraph } from '../../model_creation/onnx-graph.js';
import type { Scaling } from '../../model_creation/prepare.js';

/** Metadata of a model that a test makes up. */
export function madeUpMetadata(changes: Partial<ModelMetadata> = {}): ModelMetadata {
  return {
    formatVersion,
    name: 'made-up',
    version: '1.0.0',
    columns: [{ name: 'value', min: -10, max: 10 }],
    window: 4,
    context: 8,
    alignment: 1,
    heads: [{ columns: ['value'], window: 4, stride: 1, normalised: false, prototypes: 1 }],
    calibration: calibrate(Float32Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000)),
    defaults: { percentile: 99, margin: 1 },
    metrics: {},
    provenance: { dataSha256: '0', paramsSha256: '0', trainingPoints: 1000, seed: 1 },
    ...changes,
  };
}

/**
 * The bytes of a model that remembers one shape, the mean of the training data, and so expects it
 * everywhere: what it should answer can be computed with a few plain loops.
 */
export function meanModelBytes(scaling: Scaling[], changes: Partial<ModelMetadata> = {}): Uint8Array {
  const columns = scaling.map((_, j) => ({ name: scaling.length === 1 ? 'value' : `c${j}`, min: -1e12, max: 1e12 }));
  const { window, heads } = madeUpMetadata(changes);
  const all = [...scaling.keys()];
  const metadata = madeUpMetadata({ columns, context: 2 * window, ...changes });
  const graphHeads = heads.map(({ stride, normalised }) => ({
    columns: all,
    window,
    stride,
    normalised,
    count: 1,
    prototypes: new Float32Array(window * scaling.length),
    temperature: 1,
    errorScale: scaling.map(() => 1),
  }));
  const onnx = buildGraph({
    scaling,
    heads: graphHeads,
    varianceFloor: 1,
    levelWeight: 0.5,
    smoothing: all.map(() => 1),
  });
  writeMetadata(onnx, metadata);
  return encodeModel(onnx);
}

/** {@link meanModelBytes}, loaded. */
export function meanModel(scaling: Scaling[], changes: Partial<ModelMetadata> = {}): Promise<Model> {
  return Model.create(parseModelFile(meanModelBytes(scaling, changes)));
}

/** What {@link meanModel} should answer, in double and with plain loops. */
export function meanReference(values: Float64Array, scaling: Scaling[], window: number) {
  const width = scaling.length;
  const length = values.length / width;
  const columnError = values.map((_, k) => {
    const [i, j] = [Math.floor(k / width), k % width];
    const first = Math.max(0, i - window + 1);
    const last = Math.min(i, length - window);
    // The window that ends with the series counts once as one of all and once as the last.
    const starts = Array.from({ length: last - first + 1 }, (_start, m) => first + m);
    if (last === length - window) starts.push(last);
    const windowErrors = starts.map((start) => {
      let sum = 0;
      for (let m = start; m < start + window; m++) {
        sum += ((values[m * width + j] - scaling[j].mean) / scaling[j].scale) ** 2;
      }
      return sum / window;
    });
    return Math.sqrt(windowErrors.reduce((sum, value) => sum + value, 0) / starts.length);
  });
  const error = Array.from({ length }, (_, i) => Math.max(...columnError.subarray(i * width, (i + 1) * width)));
  const expected = values.map((_, k) => scaling[k % width].mean);
  return { error, columnError, expected };
}
