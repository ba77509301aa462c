import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { readMetadata } from '../../src/inference/metadata.js';
import type { Input } from './inputs.js';
import type { LimitJob } from './limit-worker.js';
import { WORKERS } from './service.js';

// Chunks as long as those that the service takes.
const CHUNK_WINDOWS = 32;
const SHORTEST_CHUNK = 2048;
const LONGEST_CHUNK = 16_384;
const READ_BYTES = 1024 * 1024;

/**
 * What no service can be faster than: the model run bare over values that are in memory already, on as
 * many threads as the service has workers, and the bytes of the file read once.
 */
export class Limit {
  private constructor(
    private readonly pool: Piscina,
    private readonly job: Pick<LimitJob, 'chunkPoints' | 'context' | 'alignment'>,
  ) {}

  /** Starts the threads, each with the model loaded. */
  static async start(modelPath: string): Promise<Limit> {
    const { window, context, alignment, columns } = readMetadata(readFileSync(modelPath));
    const chunkPoints = Math.min(LONGEST_CHUNK, Math.max(SHORTEST_CHUNK, CHUNK_WINDOWS * window));
    const pool = new Piscina({
      filename: fileURLToPath(new URL(`./limit-worker${extname(import.meta.url)}`, import.meta.url)),
      workerData: { modelPath },
      minThreads: WORKERS,
      maxThreads: WORKERS,
    });
    const limit = new Limit(pool, { chunkPoints, context, alignment });
    await limit.share(new Float64Array(new SharedArrayBuffer(8 * columns.length * window)), columns.length);
    return limit;
  }

  /** Scores a series once; tells the seconds that it took. */
  async run({ file, values, columns }: Input): Promise<number> {
    const started = performance.now();
    readBytes(file);
    await this.share(values, columns);
    return (performance.now() - started) / 1000;
  }

  async stop(): Promise<void> {
    await this.pool.close();
  }

  private async share(values: Float64Array, columns: number): Promise<void> {
    const next = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const job: LimitJob = { ...this.job, values, columns, next };
    await Promise.all(this.pool.threads.map(() => this.pool.run(job) as Promise<void>));
  }
}

function readBytes(file: string): void {
  const input = openSync(file, 'r');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  while (readSync(input, buffer) > 0);
  closeSync(input);
}
