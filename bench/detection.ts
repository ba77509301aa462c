/**
 * How well anomalies are found: trains and scores every series of `bench/data` through the command
 * line, then has `bench/detection.py` do the same with the peers and print one table.
 */
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const OUTPUT = 'bench/output/detection';
const VENV = 'bench/.venv';
// NAB's protocol trains on the first 15 % of a file.
const NAB_TRAINING_SHARE = 0.15;

interface Task {
  name: string;
  train: string;
  test: string;
}

/** What our side measured of a series, in seconds. */
interface Timing {
  train: number;
  detect: number;
}

const only = process.argv.slice(2);
rmSync(OUTPUT, { recursive: true, force: true });
mkdirSync(OUTPUT, { recursive: true });
const tasks = [...ucrTasks(), ...nabTasks()].filter(
  ({ name }) => only.length === 0 || only.some((o) => name.includes(o)),
);
const timings: Record<string, Timing> = {};
const waiting = [...tasks];
await Promise.all(Array.from({ length: availableParallelism() }, work));
writeFileSync(join(OUTPUT, 'timings.json'), JSON.stringify(timings));
preparePython();
await run(join(VENV, 'bin/python'), ['bench/detection.py', OUTPUT, ...tasks.map(({ name }) => name)], 'inherit');

async function work(): Promise<void> {
  for (let task = waiting.shift(); task; task = waiting.shift()) {
    const folder = join(OUTPUT, task.name);
    const scores = join(folder, 'scores.csv');
    const model = ['--model', join(folder, 'model.onnx')];
    const train = await run('npm', ['run', '--silent', 'train', '--', task.train, '--output', folder]);
    const detect = await run('npm', [
      ...['run', '--silent', 'detect', '--', task.test, ...model],
      ...['--format', 'csv', '--output', scores],
    ]);
    timings[task.name] = { train, detect };
    process.stderr.write(`${task.name}: ${train.toFixed(1)} s to train, ${detect.toFixed(1)} s to score\n`);
  }
}

function ucrTasks(): Task[] {
  const names = Object.keys(JSON.parse(readFileSync('bench/data/ucr/labels.json', 'utf8')) as object);
  return names.map((name) => ({
    name: `ucr/${name}`,
    train: `bench/data/ucr/${name}.train.csv`,
    test: `bench/data/ucr/${name}.test.csv`,
  }));
}

function nabTasks(): Task[] {
  const files = readdirSync('bench/data/nab').filter((file) => file.endsWith('.csv'));
  return files.map((file) => {
    const name = `nab/${file.replace('.csv', '')}`;
    const folder = join(OUTPUT, name);
    const [header, ...rows] = readFileSync(`bench/data/nab/${file}`, 'utf8').trim().split(/\r?\n/);
    const trained = Math.floor(rows.length * NAB_TRAINING_SHARE);
    mkdirSync(folder, { recursive: true });
    const task = { name, train: join(folder, 'train.csv'), test: join(folder, 'test.csv') };
    writeFileSync(task.train, [header, ...rows.slice(0, trained)].join('\n'));
    writeFileSync(task.test, [header, ...rows.slice(trained)].join('\n'));
    return task;
  });
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
