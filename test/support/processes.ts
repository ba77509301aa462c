import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

// tsx translates a file another way for a program's own modules than for mocha's, and V8's coverage of both can't be added.
const NO_COVERAGE = { NODE_V8_COVERAGE: '' };

/** What a process left behind. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A process under way, with what it has written so far. */
export class RunningProcess {
  stdout = '';
  stderr = '';
  private readonly exited: Promise<[code: number | null]>;

  constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (piece: Buffer) => (this.stdout += piece.toString()));
    child.stderr?.on('data', (piece: Buffer) => (this.stderr += piece.toString()));
    this.exited = once(child, 'close') as Promise<[number | null]>;
  }

  /** Waits until standard error has what the pattern asks for. */
  async said(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match) return match;
      if (this.child.exitCode !== null) throw new Error(`ended before it said ${String(pattern)}: ${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Waits for the end. */
  async finished(): Promise<Finished> {
    const [code] = await this.exited;
    return { code, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Starts a program. */
export function start(command: string, args: string[], env: NodeJS.ProcessEnv = {}): RunningProcess {
  return new RunningProcess(
    spawn(command, args, { env: { ...process.env, ...NO_COVERAGE, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

/** Runs a program to its end. */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return start(command, args, env).finished();
}
