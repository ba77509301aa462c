import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { ReportFormat } from '../detection/report.js';
import { AppError } from '../errors.js';
import type { ModelFile } from '../inference/model-file.js';
import { chooseModel, readModels } from '../inference/model-repository.js';
import type {
  InputBytes,
  DetectAnswer,
  DetectJob,
  DetectOutcome,
  DetectRequest,
  Failure,
  InferJob,
  InferRequest,
  JobMessage,
  OfferedChunks,
  WorkerSettings,
} from './detect-worker.js';
import type { InferencePiece } from '../open-inference/response.js';
import { type AnswerPiece, outboxEntries, PIECES_AHEAD } from './outbox.js';
import { failTaken } from './shared-chunks.js';

/** How a detector is set up. */
export interface DetectorSettings {
  /** A folder of models, or a model file, see `readModels`. */
  modelPath: string;
  /** The model that answers where a request names none, as `name` or `name/version`; else it is the first. */
  defaultModel?: string;
  /** Worker threads, each with the models loaded. */
  workers: number;
}

/** Takes a piece of an answer, whose bytes are valid until it has resolved; the next one comes then. */
export type WritePiece<Format extends string = string> = (piece: AnswerPiece<Format>) => Promise<void> | void;

/** What watches over a detection. */
export interface DetectWatch {
  /** Tells that nobody waits for the answer any more: the worker stops at its next checkpoint. */
  signal?: AbortSignal;
  /** Called now and then with the share of the points scored so far, 0 to 1. */
  onProgress?: (share: number) => void;
}

// Jobs that wait for their callers leave a worker to others; what computes takes turns, a chunk at a time.
const TASKS_A_WORKER = 64;

// What a chunk leaves behind is freed every few chunks, and not only once tens of megabytes have come together.
const YOUNG_MEGABYTES = 8;

/** Runs detections in worker threads, so that the event loop stays free. */
export class Detector {
  private readonly running = new Set<Promise<unknown>>();
  private readonly callers = new Set<Caller>();

  private constructor(
    private readonly pool: Piscina,
    /** The models that answer, at least one; by name, and of each name the newest version first. */
    readonly models: readonly ModelFile[],
    private readonly defaultModel: string | undefined,
  ) {}

  /**
   * Reads the models and starts the workers; {@link Detector.probe} tells when they are ready.
   *
   * @throws AppError INVALID_MODEL where a file cannot be read or is no model of ours, or the default is
   *   none of them
   */
  static async create({ modelPath, defaultModel, workers }: DetectorSettings): Promise<Detector> {
    const models = (await readModels(modelPath)).map(shareBytes);
    checkDefault(models, defaultModel);
    const pool = new Piscina({
      filename: fileURLToPath(new URL(`./detect-worker${extname(import.meta.url)}`, import.meta.url)),
      workerData: { models, defaultModel } satisfies WorkerSettings,
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: TASKS_A_WORKER,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
    });
    return new Detector(pool, models, defaultModel);
  }

  /** How many worker threads there are. */
  get workers(): number {
    return this.pool.threads.length;
  }

  /** How many of them have something to do: the pool spreads it over all. Waiting for a slow caller is nothing. */
  get busyWorkers(): number {
    const waiting = [...this.callers].filter((caller) => caller.isSlow).length;
    return Math.min(Math.max(this.running.size - waiting, 0), this.workers);
  }

  /**
   * The model that a caller means by `name` or `name/version`, or the one that answers where none is named.
   *
   * @throws AppError UNKNOWN_MODEL where there is none such
   */
  choose(reference = this.defaultModel): ModelFile {
    return chooseModel(this.models, reference);
  }

  /**
   * Has every worker load the models and have each score a series made up for the purpose.
   *
   * @throws AppError INVALID_MODEL where one of them does not work
   */
  async probe(): Promise<void> {
    // Workers that are idle are given one each.
    const probes = this.pool.threads.map(() => this.run(undefined, { name: 'probe' }));
    for (const failed of await Promise.all(probes)) if (failed) throw errorOf(failed as Failure);
  }

  /**
   * Finds the anomalies of a CSV in a worker.
   *
   * @param write takes the reports, piece by piece; the worker waits for it
   * @throws AppError with what is wrong with the CSV or the options; nothing was written then
   */
  detect(request: DetectRequest, write: WritePiece<ReportFormat>, watch?: DetectWatch): Promise<DetectAnswer> {
    return this.answer({ name: 'default', request, input: request.csv }, write as WritePiece, watch);
  }

  /**
   * Answers a request of the Open Inference Protocol in a worker.
   *
   * @param write takes the answer, piece by piece; the worker waits for it
   * @throws AppError with what is wrong with the request; nothing was written then
   */
  infer(
    request: InferRequest,
    write: WritePiece<InferencePiece['format']>,
    watch?: DetectWatch,
  ): Promise<DetectAnswer> {
    return this.answer({ name: 'infer', request, input: request.body }, write as WritePiece, watch);
  }

  private async answer(
    { name, request, input }: { name: string; request: DetectRequest | InferRequest; input: InputBytes },
    write: WritePiece,
    { signal, onProgress }: DetectWatch = {},
  ): Promise<DetectAnswer> {
    const { port1: inbox, port2: port } = new MessageChannel();
    const caller = new Caller(inbox, write, onProgress, this.helpers());
    // A worker must not be terminated while ONNX Runtime computes: that ends the whole process.
    const abandon = () => caller.abandon();
    if (signal?.aborted) abandon();
    signal?.addEventListener('abort', abandon, { once: true });
    try {
      const job: DetectJob | InferJob = { ...request, port, entries: caller.entries };
      const transferList = [...ownMemory(input), port];
      this.callers.add(caller);
      const computed = this.run(job, { name, transferList }).finally(() => this.callers.delete(caller));
      const outcome = await computed.catch((error: unknown) => {
        throw caller.writeError ?? error;
      });
      return await caller.finish(outcome as DetectOutcome);
    } finally {
      signal?.removeEventListener('abort', abandon);
    }
  }

  /** Has other workers help with a long series, each with a chunk at a time and as long as there are any. */
  private helpers(): (chunks: OfferedChunks) => void {
    let helping = 0;
    return (chunks) => {
      if (helping >= this.pool.threads.length - 1) return;
      helping += 1;
      const help = async (): Promise<void> => {
        while (await this.run(chunks, { name: 'help' }));
      };
      void help()
        // A worker that ends takes what it was at with it.
        .catch(() => failTaken(chunks))
        .finally(() => (helping -= 1));
    };
  }

  /** Waits for the work under way and ends the workers. */
  async close(): Promise<void> {
    // The pool's own close() miscounts where several workers are busy, and would terminate one that computes;
    // and it holds on to the pool for half a minute.
    while (this.running.size > 0) await Promise.allSettled(this.running);
    await this.pool.destroy();
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

/** The end of a job that its caller is at. */
class Caller {
  readonly entries = new Int32Array(new SharedArrayBuffer(outboxEntries.count * Int32Array.BYTES_PER_ELEMENT));
  /** What went wrong with a piece, if anything did: the worker only knows that nobody waits. */
  writeError: unknown;
  private received = 0;
  private taken = 0;
  private writing = Promise.resolve();

  constructor(
    private readonly inbox: MessagePort,
    private readonly write: WritePiece,
    onProgress: ((share: number) => void) | undefined,
    offer: (chunks: OfferedChunks) => void,
  ) {
    inbox.on('message', (message: JobMessage) => {
      if ('chunks' in message) offer(message.chunks);
      else if ('progress' in message) onProgress?.(message.progress);
      else this.take(message);
    });
  }

  /** Whether the worker has to wait until it takes a piece. */
  get isSlow(): boolean {
    return this.received - this.taken >= PIECES_AHEAD;
  }

  /** Has the worker stop at its next checkpoint. */
  abandon(): void {
    Atomics.store(this.entries, outboxEntries.abandoned, 1);
    Atomics.notify(this.entries, outboxEntries.taken);
  }

  /** Waits until all that the worker sent is written, and writes the rest. */
  async finish(outcome: DetectOutcome): Promise<DetectAnswer> {
    if ('failure' in outcome) throw errorOf(outcome);
    while (this.received < outcome.sent) await once(this.inbox, 'message');
    await this.writing;
    for (const piece of outcome.rest) await this.write(piece);
    return outcome.answer;
  }

  private take(piece: AnswerPiece): void {
    this.received += 1;
    this.writing = this.writing.then(async () => {
      await this.write(piece);
      this.taken += 1;
      Atomics.add(this.entries, outboxEntries.taken, 1);
      Atomics.notify(this.entries, outboxEntries.taken);
    });
    this.writing.catch((error: unknown) => {
      this.writeError ??= error;
      this.abandon();
    });
  }
}

function errorOf({ failure: { code, message, details } }: Failure): AppError {
  return new AppError(code, message, details);
}

/** @throws AppError INVALID_MODEL where the model that answers by default is none of these */
function checkDefault(models: readonly ModelFile[], defaultModel: string | undefined): void {
  try {
    chooseModel(models, defaultModel);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError('INVALID_MODEL', `DEFAULT_MODEL: ${cause.message}`, cause.details, { cause });
  }
}

/** The same model, its bytes once for all threads. */
function shareBytes(file: ModelFile): ModelFile {
  const bytes = new Uint8Array(new SharedArrayBuffer(file.bytes.length));
  bytes.set(file.bytes);
  return { ...file, bytes };
}

/** What can be handed over uncopied: small buffers share their memory with others. */
function ownMemory(input: InputBytes): ArrayBuffer[] {
  if (!('bytes' in input)) return [];
  const { buffer, byteLength } = input.bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
