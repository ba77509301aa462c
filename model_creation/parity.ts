import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Model } from '../src/inference/model.js';
import { cutWindows } from './autoencoder.js';
import type { Scaling } from './prepare.js';
import { useWasm } from './tensorflow.js';

const BATCH_WINDOWS = 4096;
// Below it an error is rounding, and a share of it says nothing.
const SMALLEST_ERROR = 1e-9;

/**
 * The reconstruction errors of a series computed without the ONNX graph: TensorFlow.js runs the
 * network, plain loops in double do the rest. Slow and simple, to hold the graph against.
 *
 * @param values shape [n, c] row by row, in the units of the input
 * @returns shape [n], in scaled units
 */
export async function referenceErrors(
  values: Float64Array,
  scaling: Scaling[],
  window: number,
  network: LayersModel,
): Promise<Float64Array> {
  await useWasm();
  const width = scaling.length;
  const length = values.length / width;
  const sums = new Float64Array(length);
  const covering = new Float64Array(length);
  for (let first = 0; first + window <= length; first += BATCH_WINDOWS) {
    const end = Math.min(first + BATCH_WINDOWS + window - 1, length);
    const windows = cutWindows(values.subarray(first * width, end * width), scaling, window);
    const outputs = predict(network, windows.values, windows.count);
    for (let k = 0; k < windows.values.length; k++) {
      const point = first + Math.floor(k / windows.size) + (k % window);
      sums[point] += (outputs[k] - windows.values[k]) ** 2;
      covering[point] += 1;
    }
  }
  return sums.map((sum, i) => sum / covering[i]);
}

/**
 * How far the errors of the ONNX file lie from the reference, as the largest relative difference.
 *
 * @param values shape [n, c] row by row, in the units of the input
 */
export async function measureParity(
  model: Model,
  network: LayersModel,
  scaling: Scaling[],
  values: Float64Array,
): Promise<number> {
  const { error } = await model.reconstruct(values);
  const reference = await referenceErrors(values, scaling, model.metadata.window, network);
  return reference.reduce(
    (largest, expected, i) => Math.max(largest, Math.abs(error[i] - expected) / Math.max(expected, SMALLEST_ERROR)),
    0,
  );
}

function predict(network: LayersModel, windows: Float32Array, count: number): Float32Array {
  return tf.tidy(() => {
    const inputs = tf.tensor2d(windows, [count, windows.length / count]);
    const outputs = network.predict(inputs, { batchSize: count }) as tf.Tensor2D;
    return outputs.dataSync<'float32'>().slice();
  });
}
