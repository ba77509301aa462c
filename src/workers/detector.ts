import { MessageChannel } from 'node:worker_threads';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { AppError } from '../errors.js';
import { sha256Of } from '../hash.js';
import { type ModelDescription, readMetadata } from '../inference/metadata.js';
import { readModelFile } from '../inference/model.js';
import type { DetectAnswer, DetectJob, DetectOutcome } from './detect-worker.js';
import type { SharedWork } from './together.js';

/** How a detector is set up. */
export interface DetectorSettings {
  /** The model file. */
  modelPath: string;
  /** Worker threads, each with the model loaded. */
  workers: number;
}

/** Runs detections in worker threads, so that the event loop stays free. */
export class Detector {
  private readonly running = new Set<Promise<unknown>>();

  private constructor(
    private readonly pool: Piscina,
    /** What the model says of itself. */
    readonly model: ModelDescription,
  ) {}

  /**
   * Reads the model and starts the workers; {@link Detector.probe} tells when they are ready.
   *
   * @throws AppError INVALID_MODEL where the file cannot be read or is no model of ours
   */
  static async create({ modelPath, workers }: DetectorSettings): Promise<Detector> {
    const model = await readModelFile(modelPath);
    const pool = new Piscina({
      filename: fileURLToPath(new URL(`./detect-worker${extname(import.meta.url)}`, import.meta.url)),
      workerData: { model },
      minThreads: workers,
      maxThreads: workers,
    });
    return new Detector(pool, { ...readMetadata(model), sha256: sha256Of(model) });
  }

  /** Has every worker load the model and score a series made up for the purpose. */
  async probe(): Promise<void> {
    await Promise.all(this.pool.threads.map(() => this.run(undefined, { name: 'probe' })));
  }

  /**
   * Finds the anomalies of a CSV in a worker.
   *
   * @param signal tells that nobody waits for the answer any more: the worker stops at its next checkpoint
   * @throws AppError with what is wrong with the CSV or the options
   */
  async detect(job: Omit<DetectJob, 'abandoned' | 'offers'>, signal?: AbortSignal): Promise<DetectAnswer> {
    // A worker must not be terminated while ONNX Runtime computes: that ends the whole process.
    const abandoned = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const abandon = () => Atomics.store(abandoned, 0, 1);
    if (signal?.aborted) abandon();
    signal?.addEventListener('abort', abandon, { once: true });
    try {
      const { port1: offered, port2: offers } = new MessageChannel();
      offered.on('message', (work: SharedWork) => this.offer(work));
      const transferList = [...ownMemory(job.csv), offers];
      const outcome = (await this.run({ ...job, abandoned, offers }, { transferList })) as DetectOutcome;
      if ('answer' in outcome) return outcome.answer;
      const { code, message, details } = outcome.failure;
      throw new AppError(code, message, details);
    } finally {
      signal?.removeEventListener('abort', abandon);
    }
  }

  /** Has every other worker help with a long series, once it is free and with a part at a time. */
  private offer(work: SharedWork): void {
    const help = async (): Promise<void> => {
      const mayBeMore = (await this.run(work, { name: 'help' })) as boolean;
      if (mayBeMore) await help();
    };
    // A part that fails is known to the worker that has offered it.
    for (let others = this.pool.threads.length - 1; others > 0; others--) void help().catch(() => undefined);
  }

  /** Waits for the work under way and ends the workers. */
  async close(): Promise<void> {
    // The pool's own close() miscounts where several workers are busy, and would terminate one that computes.
    while (this.running.size > 0) await Promise.allSettled(this.running);
    await this.pool.close();
  }

  private async run(...what: Parameters<Piscina['run']>): Promise<unknown> {
    const running = this.pool.run(...what) as Promise<unknown>;
    this.running.add(running);
    try {
      return await running;
    } finally {
      this.running.delete(running);
    }
  }
}

/** Small buffers share their memory with others, and only what is one's own can be handed over uncopied. */
function ownMemory(bytes: Uint8Array): ArrayBuffer[] {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength ? [buffer] : [];
}
