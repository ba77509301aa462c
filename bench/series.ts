/** What the detection benchmarks share: the labelled series, and the command line run over them. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const VENV = 'bench/.venv';
// NAB's protocol trains on the first 15 % of a file.
const NAB_TRAINING_SHARE = 0.15;

/** A labelled series. */
export interface Series {
  /** `collection/name`. */
  name: string;
  /** The CSV to train on. */
  train: string;
  /** The CSV to score. */
  test: string;
}

/** What our side took for a series, in seconds, the start of the processes included. */
export interface Timing {
  train: number;
  detect: number;
}

/** The series of the UCR Anomaly Archive. */
export function ucrSeries(): Series[] {
  const names = Object.keys(JSON.parse(readFileSync('bench/data/ucr/labels.json', 'utf8')) as object);
  return names.map((name) => ({
    name: `ucr/${name}`,
    train: `bench/data/ucr/${name}.train.csv`,
    test: `bench/data/ucr/${name}.test.csv`,
  }));
}

/** The files of the Numenta Anomaly Benchmark, cut in two under `output`. */
export function nabSeries(output: string): Series[] {
  const files = readdirSync('bench/data/nab').filter((file) => file.endsWith('.csv'));
  return files.map((file) => {
    const name = `nab/${file.replace('.csv', '')}`;
    const folder = join(output, name);
    const [header, ...rows] = readFileSync(`bench/data/nab/${file}`, 'utf8').trim().split(/\r?\n/);
    const trained = Math.floor(rows.length * NAB_TRAINING_SHARE);
    mkdirSync(folder, { recursive: true });
    const series = { name, train: join(folder, 'train.csv'), test: join(folder, 'test.csv') };
    writeFileSync(series.train, [header, ...rows.slice(0, trained)].join('\n'));
    writeFileSync(series.test, [header, ...rows.slice(trained)].join('\n'));
    return series;
  });
}

/**
 * Trains on every series and scores it through the command line, one on each core at a time. Writes
 * `model.onnx` and `scores.csv` to a folder for each under `output`, and `timings.json`.
 *
 * @param params a file in place of `params.yaml`
 */
export async function trainAndDetect(all: Series[], output: string, params = 'params.yaml'): Promise<void> {
  const timings: Record<string, Timing> = {};
  const waiting = [...all];
  const work = async () => {
    for (let series = waiting.shift(); series; series = waiting.shift()) {
      const folder = join(output, series.name);
      const fit = ['train', '--', series.train, '--output', folder, '--params', params];
      const score = ['detect', '--', series.test, '--model', join(folder, 'model.onnx'), '--format', 'csv'];
      const train = await run('npm', ['run', '--silent', ...fit]);
      const detect = await run('npm', ['run', '--silent', ...score, '--output', join(folder, 'scores.csv')]);
      timings[series.name] = { train, detect };
      process.stderr.write(`${series.name}: ${train.toFixed(1)} s to train, ${detect.toFixed(1)} s to score\n`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  writeFileSync(join(output, 'timings.json'), JSON.stringify(timings));
}

/** Runs `bench/detection.py`, which measures what `trainAndDetect` left under `output`; its table is printed. */
export async function measure(all: Series[], output: string, options: string[] = []): Promise<void> {
  preparePython();
  const names = all.map(({ name }) => name);
  await run(join(VENV, 'bin/python'), ['bench/detection.py', ...options, output, ...names], 'inherit');
}

function preparePython(): void {
  if (existsSync(join(VENV, 'ready'))) return;
  execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  const pip = (...args: string[]) =>
    execFileSync(join(VENV, 'bin/pip'), ['install', '-q', ...args], { stdio: 'inherit' });
  pip('-r', 'bench/requirements.txt');
  pip('--no-deps', 'TSB-AD==1.5');
  writeFileSync(join(VENV, 'ready'), '');
}

/** Runs a program to its end and tells how many seconds it took. */
function run(command: string, args: string[], stdout: 'ignore' | 'inherit' = 'ignore'): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', stdout, 'pipe'] });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    child.on('close', (code) => {
      if (code === 0) resolve((performance.now() - started) / 1000);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said}`));
    });
  });
}
