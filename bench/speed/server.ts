import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { request } from 'undici';
import { peakOfTree, start, stop, until } from './processes.js';

const READY_SECONDS = 60;
const ASK_EVERY_MILLISECONDS = 5;

/** How a server is started: its program, given the port to listen on. */
export interface Program {
  command: string;
  args: (port: number) => string[];
  env: (port: number) => NodeJS.ProcessEnv;
}

/** A server that runs. */
export class RunningServer {
  private constructor(
    private readonly child: ChildProcess,
    /** Where it listens. */
    readonly url: string,
    /** Seconds from the start of the process until it was ready. */
    readonly secondsToReady: number,
  ) {}

  /**
   * Starts a server and waits until `/health/ready` answers 200.
   *
   * @throws Error with what it said on standard error where it ends before
   */
  static async start({ command, args, env }: Program): Promise<RunningServer> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const started = performance.now();
    const child = start(command, args(port), { env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', ...env(port) } });
    let said = '';
    child.stderr?.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-10_000)));
    try {
      await until(() => isReady(url, child), READY_SECONDS, ASK_EVERY_MILLISECONDS);
    } catch (cause) {
      await stop(child);
      throw new Error(`${command} did not become ready:\n${said}`, { cause });
    }
    return new RunningServer(child, url, (performance.now() - started) / 1000);
  }

  /** The peak resident sizes of its processes so far, added up, in megabytes. */
  get peakMegabytes(): number {
    return peakOfTree(this.child.pid ?? 0);
  }

  async stop(): Promise<void> {
    await stop(this.child);
  }
}

async function isReady(url: string, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended');
  try {
    const { statusCode, body } = await request(`${url}/health/ready`);
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
