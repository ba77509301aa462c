import { calibrate } from '../../src/detection/calibration.js';
import { formatVersion, type ModelMetadata, writeMetadata } from '../../src/inference/metadata.js';
import { Model } from '../../src/inference/model.js';
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
    calibration: calibrate(Float32Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000)),
    defaults: { percentile: 99, margin: 1 },
    metrics: {},
    provenance: { dataSha256: '0', paramsSha256: '0', trainingPoints: 1000, seed: 1 },
    ...changes,
  };
}

/**
 * The bytes of a model that expects the mean of each window at each of its points, column by column:
 * what it should answer can be computed with a few plain loops.
 */
export function meanModelBytes(scaling: Scaling[], changes: Partial<ModelMetadata> = {}): Uint8Array {
  const columns = scaling.map((_, j) => ({ name: scaling.length === 1 ? 'value' : `c${j}`, min: -1e12, max: 1e12 }));
  const metadata = madeUpMetadata({ columns, ...changes });
  const { window } = metadata;
  const size = window * scaling.length;
  const kernel = new Float32Array(size * size);
  for (let input = 0; input < size; input++) {
    for (let output = 0; output < size; output++) {
      const sameColumn = Math.floor(input / window) === Math.floor(output / window);
      kernel[input * size + output] = sameColumn ? 1 / window : 0;
    }
  }
  const layer = { inputs: size, outputs: size, kernel, bias: new Float32Array(size), activation: 'linear' as const };
  const onnx = buildGraph({ window, scaling, layers: [layer] });
  writeMetadata(onnx, metadata);
  return encodeModel(onnx);
}

/** {@link meanModelBytes}, loaded. */
export function meanModel(scaling: Scaling[], changes: Partial<ModelMetadata> = {}): Promise<Model> {
  return Model.fromBytes(meanModelBytes(scaling, changes));
}

/** What {@link meanModel} should answer, in double and with plain loops. */
export function meanReference(values: Float64Array, scaling: Scaling[], window: number) {
  const width = scaling.length;
  const length = values.length / width;
  const columnError = new Float64Array(values.length);
  const expected = new Float64Array(values.length);
  for (let j = 0; j < width; j++) {
    const scaled = Array.from({ length }, (_, i) => (values[i * width + j] - scaling[j].mean) / scaling[j].scale);
    for (let i = 0; i < length; i++) {
      const first = Math.max(0, i - window + 1);
      const last = Math.min(i, length - window);
      for (let start = first; start <= last; start++) {
        const mean = scaled.slice(start, start + window).reduce((sum, value) => sum + value, 0) / window;
        columnError[i * width + j] += (mean - scaled[i]) ** 2 / (last - first + 1);
        expected[i * width + j] += (mean * scaling[j].scale + scaling[j].mean) / (last - first + 1);
      }
    }
  }
  const error = Array.from({ length }, (_, i) => {
    return columnError.subarray(i * width, (i + 1) * width).reduce((sum, value) => sum + value, 0) / width;
  });
  return { error, columnError, expected };
}
