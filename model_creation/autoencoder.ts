import * as tf from '@tensorflow/tfjs-core';
import seedrandom from 'seedrandom';
import type { Params } from './params.js';
import type { Prepared } from './prepare.js';
import { takeOut, useWasm } from './tensorflow.js';
import { cutWindows, type Head, windowStarts, type Windows } from './windows.js';

/** The settings of a fit. */
export type TrainParams = Params['train'];

/**
 * An autoencoder whose bottleneck is a softmax over the normal shapes it remembers:
 * softmax(−|x − prototype|² / 2·temperature) says how alike a window is to each of them, and the
 * prototypes weighted so are its reconstruction. A memory-augmented autoencoder (Gong et al.,
 * "Memorizing Normality to Detect Anomaly", ICCV 2019) with the encoder left out.
 */
export interface FittedHead extends Head {
  /** How many prototypes there are. */
  count: number;
  /** Shape [count, columns × window], row by row, scaled. */
  prototypes: Float32Array;
  /** Squared distance, summed over a window, at which likeness falls off. */
  temperature: number;
}

/** The heads of an autoencoder fitted to all blocks, and of those fitted to all but one. */
export interface Fitted {
  /** Fitted to the whole series: what is served. */
  whole: FittedHead[];
  /** For each block, fitted to the others: what calibrates. */
  without: FittedHead[][];
}

/** The state of a fit after a pass over the training windows. */
export interface Epoch {
  /** Counted from 1. */
  epoch: number;
  /** Mean squared distance of a training window to its nearest prototype, per value, in scaled units. */
  loss: number;
  /** The same for windows of the block that was left out. */
  validationLoss: number;
}

// Distances to all prototypes at once: this many windows take a few megabytes.
const BATCH_WINDOWS = 2048;

/**
 * The heads that look at a series. Each column has its own, by its own period: shapes of columns that do
 * not keep step with each other would need a prototype for each way in which they can meet. Where there
 * are several columns, one more sees the shapes of all of them together, and so how they belong together.
 */
function chooseHeads({ periods }: Prepared, { shapeWindows, levelWindow, windowsPerPoint }: TrainParams): Head[] {
  const head = (columns: number[], length: number, normalised: boolean): Head => {
    const window = Math.max(4, Math.round(length));
    const stride = strideOf(window, windowsPerPoint);
    return { columns, window, stride: periods.length === 1 ? stride : powerOfTwo(stride), normalised };
  };
  const ofColumn = (period: number, j: number) => [
    ...shapeWindows.map((share) => head([j], share * period, true)),
    head([j], levelWindow * period, false),
  ];
  const own = periods.flatMap(ofColumn);
  return periods.length === 1 ? own : [...own, head([...periods.keys()], Math.max(...periods), true)];
}

/**
 * Trains the heads: k-means (Lloyd's iterations) from windows spread over the series, once
 * over all blocks and once without each of them. The same seed gives the same heads to the last bit.
 *
 * @param onEpoch called after each pass, with the means over heads and blocks
 */
export async function trainAutoencoder(
  prepared: Prepared,
  params: TrainParams,
  onEpoch: (epoch: Epoch) => void,
): Promise<{ fitted: Fitted; epochs: Epoch[] }> {
  await useWasm();
  const heads = chooseHeads(prepared, params);
  const random = seedrandom(String(params.seed));
  const fits = [undefined, ...prepared.blocks.keys()].map((left) =>
    heads.map((head) => new HeadFit(prepared, head, params, left, random)),
  );
  const epochs: Epoch[] = [];
  for (let epoch = 1; epoch <= params.epochs; epoch++) {
    const losses = fits.map((headFits) => mean(headFits.map((fit) => fit.step())));
    const validationLosses = fits.slice(1).map((headFits) => mean(headFits.map((fit) => fit.validationLoss())));
    epochs.push({ epoch, loss: mean(losses), validationLoss: mean(validationLosses) });
    onEpoch(epochs[epochs.length - 1]);
  }
  // How far windows lie from the nearest prototype that were not fitted is how far normal ones may lie.
  const temperatures = heads.map((_, h) => {
    const heldOut = mean(fits.slice(1).map((headFits) => headFits[h].validationLoss()));
    return Math.max(params.smallestTemperature, params.temperature * heldOut);
  });
  const [whole, ...without] = fits.map((headFits) => headFits.map((fit, h) => fit.finish(temperatures[h])));
  return { fitted: { whole, without }, epochs };
}

/** The fit of one head to all blocks but one. */
class HeadFit {
  private readonly windows: Windows;
  private readonly left: Windows | undefined;
  private prototypes: Float32Array;
  private readonly count: number;

  constructor(
    prepared: Prepared,
    private readonly head: Head,
    params: TrainParams,
    left: number | undefined,
    random: seedrandom.PRNG,
  ) {
    const cut = (block: Float64Array, most: number) => {
      const stride = strideOf(head.window, params.trainingWindowsPerPoint);
      const starts = windowStarts(block.length / prepared.scaling.length, { ...head, stride });
      const kept = spread(starts.length, Math.min(most, starts.length), random).map((place) => starts[place]);
      return cutWindows(block, prepared.scaling, head, params.varianceFloor, kept);
    };
    const segments = segmentsWithout(prepared, left).filter(
      (part) => part.length >= head.window * prepared.scaling.length,
    );
    const most = Math.ceil(params.trainingWindows / segments.length);
    this.windows = joined(segments.map((segment) => cut(segment, most)));
    this.left = left === undefined ? undefined : cut(prepared.blocks[left], most);
    this.count = Math.min(params.prototypes, this.windows.count);
    const chosen = spread(this.windows.count, this.count, random);
    const { size, values } = this.windows;
    this.prototypes = Float32Array.from({ length: this.count * size }, (_, k) => {
      return values[chosen[Math.floor(k / size)] * size + (k % size)];
    });
  }

  /** Moves each prototype to the mean of the windows nearest to it; returns the loss before. */
  step(): number {
    const { size, values, count } = this.windows;
    const { nearest, loss } = this.distances(this.windows);
    const sums = new Float64Array(this.count * size);
    const members = new Float64Array(this.count);
    for (let row = 0; row < count; row++) {
      const prototype = nearest[row];
      members[prototype] += 1;
      for (let k = 0; k < size; k++) sums[prototype * size + k] += values[row * size + k];
    }
    this.prototypes = this.prototypes.map((old, k) => {
      const n = members[Math.floor(k / size)];
      return n > 0 ? sums[k] / n : old;
    });
    return loss;
  }

  validationLoss(): number {
    return this.left ? this.distances(this.left).loss : 0;
  }

  /** @param temperature per value, in scaled units */
  finish(temperature: number): FittedHead {
    const { count, prototypes } = this;
    return { ...this.head, count, prototypes, temperature: temperature * this.windows.size };
  }

  private distances(windows: Windows): { nearest: Int32Array; loss: number } {
    const nearest = new Int32Array(windows.count);
    let sum = 0;
    for (let first = 0; first < windows.count; first += BATCH_WINDOWS) {
      const last = Math.min(first + BATCH_WINDOWS, windows.count);
      const batch = this.batchDistances(windows, first, last);
      for (let row = first; row < last; row++) {
        const own = batch.subarray((row - first) * this.count, (row - first + 1) * this.count);
        nearest[row] = smallestOf(own);
        sum += Math.max(0, own[nearest[row]]);
      }
    }
    return { nearest, loss: sum / (windows.count * windows.size) };
  }

  /** Squared distances [last − first, prototypes] as |x|² − 2·x·p + |p|². */
  private batchDistances({ values, size }: Windows, first: number, last: number): Float32Array {
    const distances = tf.tidy(() => {
      const x = tf.tensor2d(Float32Array.from(values.subarray(first * size, last * size)), [last - first, size]);
      const p = tf.tensor2d(this.prototypes, [this.count, size]);
      const norms = tf.sum(tf.square(x), 1, true);
      // The WebAssembly backend is fast only where it need not transpose by itself.
      const products = tf.matMul(x, tf.transpose(p));
      const prototypeNorms = tf.sum(tf.square(p), 1);
      return tf.add(tf.sub(norms, tf.mul(products, 2)), prototypeNorms);
    });
    return takeOut(distances);
  }
}

/** What lies before and after a block; the whole series where none is left out. */
function segmentsWithout({ blocks }: Prepared, left: number | undefined): Float64Array[] {
  const inOne = (parts: Float64Array[]) => Float64Array.from(parts.flatMap((part) => Array.from(part)));
  return left === undefined ? [inOne(blocks)] : [inOne(blocks.slice(0, left)), inOne(blocks.slice(left + 1))];
}

function joined(parts: Windows[]): Windows {
  const values = new Float64Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let filled = 0;
  for (const part of parts) {
    values.set(part.values, filled);
    filled += part.values.length;
  }
  const { size } = parts[0];
  return { size, count: values.length / size, values, starts: parts.flatMap(({ starts }) => starts) };
}

/**
 * The power of two that comes nearest. Parts of a long series start where windows of every head do: the
 * strides of one period have a small common multiple, those of several would have a huge one.
 */
function powerOfTwo(stride: number): number {
  return 2 ** Math.max(0, Math.round(Math.log2(stride)));
}

/** The stride at which about so many windows cover a point. */
function strideOf(window: number, windowsPerPoint: number): number {
  return Math.max(1, Math.floor(window / windowsPerPoint));
}

/**
 * Picks places spread over `count`: one at random from each of `picked` equal parts. At even steps a
 * periodic series could be seen at one phase only.
 */
function spread(count: number, picked: number, random: () => number): number[] {
  return Array.from({ length: picked }, (_, i) => Math.floor(((i + random()) * count) / picked));
}

function smallestOf(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] < values[best]) best = i;
  return best;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
