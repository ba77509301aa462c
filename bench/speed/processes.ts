import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const GRACE_MILLISECONDS = 5000;
const SAMPLE_MILLISECONDS = 50;
const KILOBYTES = 1024;
const MEGABYTE = 1_000_000;

const running = new Set<ChildProcess>();
let watching = false;

/** How a program ended. */
export interface Ended {
  seconds: number;
  /** Peak resident size of the largest of its processes. */
  megabytes: number;
}

/** Starts a program in a group of its own, which ends with this process at the latest. */
export function start(command: string, args: string[], options: SpawnOptions = {}): ChildProcess {
  endAllAtExit();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options, detached: true });
  running.add(child);
  return child;
}

/** Ends a program and all that it started. */
export async function stop(child: ChildProcess): Promise<void> {
  const closed = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  signal(child, 'SIGTERM');
  const late = setTimeout(() => signal(child, 'SIGKILL'), GRACE_MILLISECONDS);
  await closed;
  clearTimeout(late);
  // What it started may live on where it was killed.
  signal(child, 'SIGKILL');
  running.delete(child);
}

/**
 * Runs a program to its end.
 *
 * @throws Error with what it said on standard error where it fails or takes longer than `limitSeconds`
 */
export async function run(command: string, args: string[], limitSeconds: number): Promise<Ended> {
  const started = performance.now();
  const child = start(command, args);
  let said = '';
  let megabytes = 0;
  child.stderr?.on('data', (piece: Buffer) => (said += piece.toString()));
  const sampling = setInterval(() => {
    megabytes = Math.max(megabytes, ...treeOf(child.pid ?? 0).map(peakMegabytes));
  }, SAMPLE_MILLISECONDS);
  const late = setTimeout(() => signal(child, 'SIGKILL'), limitSeconds * 1000);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${said}`);
    return { seconds: (performance.now() - started) / 1000, megabytes };
  } finally {
    clearInterval(sampling);
    clearTimeout(late);
    await stop(child);
  }
}

/** The peak resident sizes of a process and all that it started, added up. */
export function peakOfTree(pid: number): number {
  return treeOf(pid)
    .map(peakMegabytes)
    .reduce((a, b) => a + b, 0);
}

/** Waits until `test` answers true. */
export async function until(test: () => Promise<boolean>, seconds: number, everyMilliseconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await test())) {
    if (performance.now() > end) throw new Error(`waited ${seconds} s in vain`);
    await sleep(everyMilliseconds);
  }
}

/** Groups of their own get no signal from the terminal. */
function endAllAtExit(): void {
  if (watching) return;
  watching = true;
  process.on('exit', () => running.forEach((child) => signal(child, 'SIGKILL')));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => process.exit(130));
}

function treeOf(pid: number): number[] {
  const children = ignoringTheEnded(() => readdirSync(`/proc/${pid}/task`), []).flatMap((thread) =>
    ignoringTheEnded(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'), '')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  );
  return [pid, ...children.flatMap(treeOf)];
}

function peakMegabytes(pid: number): number {
  const status = ignoringTheEnded(() => readFileSync(`/proc/${pid}/status`, 'utf8'), '');
  const [, kilobytes = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return (Number(kilobytes) * KILOBYTES) / MEGABYTE;
}

/** A process may end between being found and being read. */
function ignoringTheEnded<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // The group has ended.
  }
}
