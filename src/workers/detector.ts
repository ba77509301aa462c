import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { AppError } from '../errors.js';
import { sha256Of } from '../hash.js';
import { type ModelMetadata, readMetadata } from '../inference/metadata.js';
import type { DetectAnswer, DetectJob, DetectOutcome } from './detect-worker.js';

/** How a detector is set up. */
export interface DetectorSettings {
  /** The model file. */
  modelPath: string;
  /** Worker threads, each with the model loaded. */
  workers: number;
  /** Requests that may wait for a worker; more are refused. */
  maxQueue: number;
}

/** Runs detections in worker threads, so that the event loop stays free. */
export class Detector {
  private constructor(
    private readonly pool: Piscina,
    /** What the model says of itself. */
    readonly model: ModelMetadata & { sha256: string },
  ) {}

  /**
   * Reads the model and starts the workers; {@link Detector.probe} tells when they are ready.
   *
   * @throws AppError INVALID_MODEL where the file cannot be read or is no model of ours
   */
  static async create({ modelPath, workers, maxQueue }: DetectorSettings): Promise<Detector> {
    const model = await readModel(modelPath);
    const pool = new Piscina({
      filename: fileURLToPath(new URL(`./detect-worker${extname(import.meta.url)}`, import.meta.url)),
      workerData: { model },
      minThreads: workers,
      maxThreads: workers,
      maxQueue,
    });
    return new Detector(pool, { ...readMetadata(model), sha256: sha256Of(model) });
  }

  /** Has every worker load the model and score a series made up for the purpose. */
  async probe(): Promise<void> {
    await Promise.all(this.pool.threads.map(() => this.pool.run(undefined, { name: 'probe' })));
  }

  /**
   * Finds the anomalies of a CSV in a worker.
   *
   * @param signal aborts the work, and frees its worker
   * @throws AppError OVERLOADED where too many requests wait already, or what is wrong with the CSV
   */
  async detect(job: DetectJob, signal?: AbortSignal): Promise<DetectAnswer> {
    const outcome = await this.run(job, signal);
    if ('answer' in outcome) return outcome.answer;
    const { code, message, details } = outcome.failure;
    throw new AppError(code, message, details);
  }

  /** Waits for the work under way and ends the workers. */
  async close(): Promise<void> {
    await this.pool.close();
  }

  private async run(job: DetectJob, signal?: AbortSignal): Promise<DetectOutcome> {
    try {
      return (await this.pool.run(job, { signal, transferList: ownMemory(job.csv) })) as DetectOutcome;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('Task queue is at limit')) throw error;
      throw new AppError('OVERLOADED', 'Too many requests are waiting: try again in a moment.', {}, { cause: error });
    }
  }
}

/** Small buffers share their memory with others, and only what is one's own can be handed over uncopied. */
function ownMemory(bytes: Uint8Array): ArrayBuffer[] {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength ? [buffer] : [];
}

async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError('INVALID_MODEL', `Cannot read the model file ${path}.`, {}, { cause });
  }
}
