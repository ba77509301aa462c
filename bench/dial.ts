/**
 * What detection costs: trains and scores the UCR series with other numbers than those of
 * `params.yaml`, one change at a time, and measures how fast each variant's model scores beside a
 * plain dense autoencoder. Arguments name variants to take instead of all.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { parse, stringify } from 'yaml';
import { encodeModel } from '../model_creation/onnx.js';
import type { TrainParams } from '../model_creation/autoencoder.js';
import type { Params } from '../model_creation/params.js';
import { Model } from '../src/inference/model.js';
import { readModelFile } from '../src/inference/model-file.js';
import { denseAutoencoder, DENSE_WINDOW } from './dense.js';
import { measure, trainAndDetect, ucrSeries } from './series.js';

const OUTPUT = 'bench/output/dial';
// A period of 200 points, like most of these series.
const TIMED_SERIES = 'ucr/192_s20101mML2';
const TIMED_POINTS = 200_000;
const ROUNDS = 5;

const VARIANTS: Record<string, Partial<TrainParams>> = {
  default: {},
  '256 prototypes': { prototypes: 256 },
  '512 prototypes': { prototypes: 512 },
  '2,048 prototypes': { prototypes: 2048 },
  '2 windows a point': { windowsPerPoint: 2 },
  '8 windows a point': { windowsPerPoint: 8 },
  '16 windows a point': { windowsPerPoint: 16 },
  'shape heads of 1/2 and 1 period': { shapeWindows: [0.5, 1] },
  'shape head of 1 period': { shapeWindows: [1] },
  'no k-means': { epochs: 0 },
  '5 passes of k-means': { epochs: 5 },
};

const only = process.argv.slice(2);
const names = Object.keys(VARIANTS).filter((name) => only.length === 0 || only.some((part) => name.includes(part)));
const series = ucrSeries();
for (const name of names) {
  const output = outputOf(name);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const params = parse(readFileSync('params.yaml', 'utf8')) as Params;
  const file = join(output, 'params.yaml');
  writeFileSync(file, stringify({ ...params, train: { ...params.train, ...VARIANTS[name] } }));
  await trainAndDetect(series, output, file);
  console.log(`\n## ${name}`);
  await measure(series, output, ['--ours-only']);
}
await printSpeeds();

async function printSpeeds(): Promise<void> {
  const dense = await loadDense();
  const models = await Promise.all(
    names.map(async (name) => Model.create(await readModelFile(join(outputOf(name), TIMED_SERIES, 'model.onnx')))),
  );
  const runs = [dense, ...models.map((model) => () => model.reconstruct(timedValues()))];
  const seconds: number[][] = runs.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, run] of runs.entries()) {
      const started = performance.now();
      await run();
      seconds[i].push((performance.now() - started) / 1000);
    }
  }
  const [unit, ...own] = seconds.map(median);
  console.log(
    '\n| model | points per second and thread | cost per point, dense autoencoder = 1 |\n| --- | --- | --- |',
  );
  for (const [i, time] of [unit, ...own].entries()) {
    const name = i === 0 ? 'dense autoencoder 64-64-16-64-64' : names[i - 1];
    console.log(`| ${name} | ${Math.round(TIMED_POINTS / time / 1000)},000 | ${(time / unit).toFixed(1)} |`);
  }
}

/** Scores the timed points with the dense autoencoder, in chunks as long as ours. */
async function loadDense(): Promise<() => Promise<void>> {
  const threads = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const session = await InferenceSession.create(encodeModel(denseAutoencoder()), threads);
  const chunk = 4096;
  return async () => {
    const values = timedValues();
    for (let start = 0; start < values.length; start += chunk) {
      const part = values.subarray(Math.max(0, start - DENSE_WINDOW), Math.min(values.length, start + chunk));
      await session.run({ series: new Tensor('float64', part, [part.length, 1]) });
    }
  };
}

function timedValues(): Float64Array {
  return Float64Array.from({ length: TIMED_POINTS }, (_, i) => 100 * Math.sin(i / 30) + (i % 7));
}

function outputOf(name: string): string {
  return join(OUTPUT, name.replace(/\W+/g, '-'));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
