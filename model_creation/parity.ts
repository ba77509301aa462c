import * as tf from '@tensorflow/tfjs-core';
import type { Model } from '../src/inference/model.js';
import type { GraphHead } from './onnx-graph.js';
import type { Params } from './params.js';
import type { Prepared } from './prepare.js';
import { takeOut, useWasm } from './tensorflow.js';
import { cutWindows, type Windows } from './windows.js';

const BATCH_WINDOWS = 1024;
// Below it an error is rounding, and a share of it says nothing.
const SMALLEST_ERROR = 1e-6;

/**
 * The reconstruction errors of a series computed without the ONNX graph: TensorFlow.js runs the
 * network, plain loops in double do the rest. Slow and simple, to hold the graph against.
 *
 * @param values shape [n, c] row by row, in the units of the input
 * @returns shape [n]
 */
async function referenceErrors(
  values: Float64Array,
  heads: GraphHead[],
  { scaling, periods }: Prepared,
  { train: { varianceFloor }, export: { levelWeight } }: Params,
): Promise<Float64Array> {
  await useWasm();
  const width = scaling.length;
  const errors = heads.map((head) => headErrors(cutWindows(values, scaling, head, varianceFloor), head, values, width));
  const columnError = values.map((_, k) => {
    const j = k % width;
    const largest = (normalised: boolean) =>
      errors.reduce((most, error, h) => {
        const { columns, normalised: seesShapes } = heads[h];
        return seesShapes === normalised && columns.includes(j) ? Math.max(most, error[k]) : most;
      }, 0);
    return (1 - levelWeight) * largest(true) + levelWeight * Math.sqrt(largest(false));
  });
  const smoothed = smooth(columnError, width, periods);
  return Float64Array.from({ length: values.length / width }, (_, i) =>
    Math.max(...smoothed.subarray(i * width, (i + 1) * width)),
  );
}

/**
 * How far the errors of the ONNX file lie from the reference, as the largest relative difference.
 *
 * @param values shape [n, c] row by row, in the units of the input
 */
export async function measureParity(
  model: Model,
  heads: GraphHead[],
  prepared: Prepared,
  params: Params,
  values: Float64Array,
): Promise<number> {
  const { error } = await model.reconstruct(values);
  const reference = await referenceErrors(values, heads, prepared, params);
  return reference.reduce(
    (largest, expected, i) => Math.max(largest, Math.abs(error[i] - expected) / Math.max(expected, SMALLEST_ERROR)),
    0,
  );
}

function headErrors(windows: Windows, head: GraphHead, values: Float64Array, width: number): Float64Array {
  const sums = new Float64Array(values.length);
  const covering = new Float64Array(values.length);
  const reconstructed = reconstruct(windows, head);
  windows.starts.forEach((start, row) => {
    for (const [c, j] of head.columns.entries()) {
      let squared = 0;
      for (let k = 0; k < head.window; k++) {
        const place = row * windows.size + c * head.window + k;
        squared += (reconstructed[place] - windows.values[place]) ** 2;
      }
      for (let k = 0; k < head.window; k++) {
        sums[(start + k) * width + j] += squared / head.window / head.errorScale[c];
        covering[(start + k) * width + j] += 1;
      }
    }
  });
  return sums.map((sum, k) => sum / Math.max(1, covering[k]));
}

function reconstruct({ values, count, size }: Windows, head: GraphHead): Float32Array {
  const reconstructed = new Float32Array(values.length);
  for (let first = 0; first < count; first += BATCH_WINDOWS) {
    const last = Math.min(first + BATCH_WINDOWS, count);
    const batch = tf.tidy(() => {
      const x = tf.tensor2d(Float32Array.from(values.subarray(first * size, last * size)), [last - first, size]);
      const memory = tf.tensor2d(head.prototypes, [head.count, size]);
      const halfNorms = tf.mul(tf.sum(tf.square(memory), 1), 0.5);
      const logits = tf.div(tf.sub(tf.matMul(x, tf.transpose(memory)), halfNorms), head.temperature);
      return tf.matMul(tf.softmax(logits), memory);
    });
    reconstructed.set(takeOut(batch), first * size);
  }
  return reconstructed;
}

/** In each column the mean over so many points around each, over fewer at the ends. */
function smooth(values: Float64Array, width: number, pointsOf: number[]): Float64Array {
  const length = values.length / width;
  return values.map((_, k) => {
    const [i, j] = [Math.floor(k / width), k % width];
    const points = pointsOf[j];
    const before = Math.floor(points / 2);
    const [from, to] = [Math.max(0, i - before), Math.min(length, i - before + points)];
    let sum = 0;
    for (let m = from; m < to; m++) sum += values[m * width + j];
    return sum / (to - from);
  });
}
