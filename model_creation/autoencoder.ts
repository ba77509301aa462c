import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import seedrandom from 'seedrandom';
import type { Params } from './params.js';
import type { Prepared, Scaling } from './prepare.js';
import { useWasm } from './tensorflow.js';

/** The settings of a fit. */
export type TrainParams = Params['train'];

/** A fully connected layer: output = activation(input · kernel + bias). */
export interface DenseLayer {
  inputs: number;
  outputs: number;
  /** Shape [inputs, outputs], row by row. */
  kernel: Float32Array;
  /** Shape [outputs]. */
  bias: Float32Array;
  activation: 'relu' | 'linear';
}

/** The state of a fit after a pass over the training windows. */
export interface Epoch {
  /** Counted from 1. */
  epoch: number;
  /** Mean squared error over the training windows, in scaled units. */
  loss: number;
  /** The same over the validation windows. */
  validationLoss: number;
}

/** Windows as rows of a matrix. */
interface Windows {
  count: number;
  /** Values in a row: the window of the first column, then that of the second, and so on. */
  size: number;
  values: Float32Array;
}

/** Scales a series in double and cuts all its windows, one starting at each point. */
export function cutWindows(series: Float64Array, scaling: Scaling[], window: number): Windows {
  const width = scaling.length;
  const count = series.length / width - window + 1;
  const size = width * window;
  const values = new Float32Array(count * size);
  for (let start = 0; start < count; start++) {
    for (let j = 0; j < width; j++) {
      const { mean, scale } = scaling[j];
      for (let k = 0; k < window; k++) {
        values[start * size + j * window + k] = (series[(start + k) * width + j] - mean) / scale;
      }
    }
  }
  return { count, size, values };
}

/**
 * Trains an autoencoder on the fitted part of a series; the validation part tells when to stop.
 *
 * @param onEpoch called after each pass over the training windows
 */
export async function trainAutoencoder(
  { parts, scaling }: Prepared,
  params: TrainParams,
  onEpoch: (epoch: Epoch) => void,
): Promise<{ model: layers.LayersModel; epochs: Epoch[] }> {
  await useWasm();
  const windows = cutWindows(parts.fit, scaling, params.window);
  const validation = cutWindows(parts.validation, scaling, params.window);
  const model = createAutoencoder(windows.size, params);
  return { model, epochs: await fit(model, windows, validation, params, onEpoch) };
}

/** Builds an autoencoder of fully connected layers with seeded initial weights. */
function createAutoencoder(size: number, params: TrainParams): layers.Sequential {
  const model = layers.sequential();
  const units = [...params.layers, size];
  units.forEach((count, i) => {
    model.add(
      layers.layers.dense({
        units: count,
        inputShape: i === 0 ? [size] : undefined,
        activation: i < units.length - 1 ? 'relu' : 'linear',
        kernelInitializer: layers.initializers.glorotUniform({ seed: params.seed + i }),
      }),
    );
  });
  return model;
}

/**
 * Fits an autoencoder to windows until the validation loss has not fallen for `patience` epochs, and
 * leaves it with the weights of the best one. The same seed gives the same weights to the last bit.
 *
 * @returns the course of the fit
 */
async function fit(
  model: layers.LayersModel,
  windows: Windows,
  validation: Windows,
  params: TrainParams,
  onEpoch: (epoch: Epoch) => void,
): Promise<Epoch[]> {
  model.compile({ optimizer: tf.train.adam(params.learningRate), loss: 'meanSquaredError' });
  const inputs = toTensor(windows);
  const validationInputs = toTensor(validation);
  const random = seedrandom(String(params.seed));
  const epochs: Epoch[] = [];
  let best: { epoch: number; validationLoss: number; weights: tf.Tensor[] } | undefined;
  for (let epoch = 1; epoch <= params.epochs; epoch++) {
    const loss = await fitOnce(model, inputs, shuffled(windows.count, random), params.batchSize);
    const validationLoss = evaluate(model, validationInputs, params.batchSize);
    epochs.push({ epoch, loss, validationLoss });
    onEpoch(epochs[epochs.length - 1]);
    if (!best || validationLoss < best.validationLoss) {
      tf.dispose(best?.weights);
      best = { epoch, validationLoss, weights: model.getWeights().map((weight) => weight.clone()) };
    } else if (epoch - best.epoch >= params.patience) {
      break;
    }
  }
  if (best) model.setWeights(best.weights);
  tf.dispose([inputs, validationInputs, ...(best?.weights ?? [])]);
  return epochs;
}

/** The layers of a fitted autoencoder as plain numbers. */
export function denseLayers(model: layers.LayersModel): DenseLayer[] {
  return model.layers.map((layer) => {
    const [kernel, bias] = layer.getWeights();
    const [inputs, outputs] = kernel.shape as [number, number];
    return {
      inputs,
      outputs,
      kernel: kernel.dataSync<'float32'>().slice(),
      bias: bias.dataSync<'float32'>().slice(),
      activation: layer.getConfig().activation as DenseLayer['activation'],
    };
  });
}

async function fitOnce(
  model: layers.LayersModel,
  inputs: tf.Tensor2D,
  order: Int32Array,
  batchSize: number,
): Promise<number> {
  // fit() can shuffle, but not by a seed.
  const ordered = tf.tidy(() => tf.gather(inputs, tf.tensor1d(order, 'int32')));
  const { history } = await model.fit(ordered, ordered, { batchSize, shuffle: false, yieldEvery: 'never' });
  ordered.dispose();
  return Number(history.loss[0]);
}

function evaluate(model: layers.LayersModel, inputs: tf.Tensor2D, batchSize: number): number {
  return tf.tidy(() => (model.evaluate(inputs, inputs, { batchSize }) as tf.Scalar).dataSync()[0]);
}

function toTensor({ values, count, size }: Windows): tf.Tensor2D {
  return tf.tensor2d(values, [count, size]);
}

/** Fisher and Yates' shuffle of 0 to count − 1. */
function shuffled(count: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
