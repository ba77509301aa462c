import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { run } from './processes.js';
import { say } from './progress.js';

/** Where all that the benchmark makes lies. */
export const OUTPUT = 'bench/output/speed';

const DATA = 'model_creation/data';
const TRAINING_POINTS = 12_000;
const TRAINING_SECONDS = 900;
const ROWS_A_WRITE = 65_536;
// Columns have the rhythm of the first, later and at another scale.
const SHIFT_POINTS = 37;
const SCALES = [1, 0.5, 2];

/** The CSV that a series is made of: normal data, or such with an anomaly. */
export type Source = 'train' | 'test';

/** A series in memory and as a CSV. */
export interface Input {
  file: string;
  points: number;
  columns: number;
  /** Shape [n, c] row by row, in shared memory. */
  values: Float64Array;
}

/** A series made of a CSV's by repeating it, each time a little larger or smaller, with noise; the same every time. */
export function makeInput(points: number, columns: number, source: Source = 'test'): Input {
  const file = fileOf(points, columns, source);
  const values = makeValues(points, columns, source);
  if (!existsSync(file)) writeCsv(file, values, columns);
  return { file, points, columns, values };
}

/** The same as a file alone. */
export function makeFile(points: number, columns: number, source: Source = 'test'): string {
  const file = fileOf(points, columns, source);
  return existsSync(file) ? file : makeInput(points, columns, source).file;
}

/** The model to serve for so many columns: that of the repository, or one trained for the purpose, once. */
export async function modelFor(columns: number): Promise<string> {
  if (columns === 1) return 'model/ecg/1/model.onnx';
  const folder = join(OUTPUT, `model-${columns}-${hashOfTraining()}`);
  const model = join(folder, 'model.onnx');
  if (existsSync(model)) return model;
  say(`training a model of ${columns} columns`);
  await train(makeFile(TRAINING_POINTS, columns, 'train'), folder);
  return model;
}

/** Trains on a CSV by the command line; tells the seconds that it took. */
export async function train(file: string, folder: string): Promise<number> {
  const { seconds } = await run('npm', ['run', '--silent', 'train', '--', file, '--output', folder], TRAINING_SECONDS);
  return seconds;
}

function fileOf(points: number, columns: number, source: Source): string {
  return join(OUTPUT, `${source}-${points}x${columns}.csv`);
}

function makeValues(points: number, columns: number, source: Source): Float64Array {
  const rows = readFileSync(`${DATA}/${source}.csv`, 'utf8').trim().split(/\r?\n/).slice(1).map(Number);
  const random = seedrandom.alea(`${source} ${columns}`);
  const values = new Float64Array(new SharedArrayBuffer(8 * points * columns));
  let gain = 1;
  for (let i = 0; i < points; i++) {
    if (i % rows.length === 0) gain = 0.99 + 0.02 * random();
    for (let j = 0; j < columns; j++) {
      const value = gain * SCALES[j] * rows[(i + SHIFT_POINTS * j) % rows.length] + random() - 0.5;
      values[i * columns + j] = Math.round(10 * value) / 10;
    }
  }
  return values;
}

function writeCsv(file: string, values: Float64Array, columns: number): void {
  mkdirSync(OUTPUT, { recursive: true });
  const output = openSync(`${file}.part`, 'w');
  writeSync(
    output,
    columns === 1 ? 'value\n' : `${Array.from({ length: columns }, (_, j) => `value${j + 1}`).join()}\n`,
  );
  for (let start = 0; start < values.length; start += ROWS_A_WRITE * columns) {
    const rows: string[] = [];
    const end = Math.min(values.length, start + ROWS_A_WRITE * columns);
    for (let k = start; k < end; k += columns) rows.push(`${values.subarray(k, k + columns).join()}\n`);
    writeSync(output, rows.join(''));
  }
  closeSync(output);
  renameSync(`${file}.part`, file);
}

/** Changes whenever a training may give another model. */
function hashOfTraining(): string {
  const code = readdirSync('model_creation', { withFileTypes: true }).filter((entry) => entry.isFile());
  const hash = createHash('sha256').update(readFileSync('params.yaml'));
  for (const { name } of code) hash.update(readFileSync(join('model_creation', name)));
  return hash.digest('hex').slice(0, 8);
}
