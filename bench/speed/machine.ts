import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { PYTHON } from './peer.js';

/** What the figures were measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGigabytes: number;
  node: string;
  onnxruntime: string;
  python: string;
  /** Mean number of processes that ran or wanted to in the minute before. */
  load: number;
}

/** Describes this machine. */
export function describeMachine(): Machine {
  const runtime = JSON.parse(readFileSync('node_modules/onnxruntime-node/package.json', 'utf8')) as { version: string };
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    onnxruntime: runtime.version,
    python: execFileSync(PYTHON, ['--version'], { encoding: 'utf8' }).trim(),
    load: Number(loadavg()[0].toFixed(2)),
  };
}

/** The machine in a line. */
export function sayMachine({ cpu, cores, memoryGigabytes, node, onnxruntime, python, load }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGigabytes} GB; Node ${node}, ONNX Runtime ${onnxruntime}, ${python}; load before ${load}`;
}
