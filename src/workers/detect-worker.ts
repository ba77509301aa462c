import { Piscina, move, workerData } from 'piscina';
import type { MessagePort } from 'node:worker_threads';
import { bytesInMemory, type ByteSource } from '../detection/byte-source.js';
import { bytesInFile } from '../detection/file-source.js';
import { csvIn, Detection, type OpenSeries, type Scorer } from '../detection/detect.js';
import { parseOptions, verdictOptionNames } from '../detection/options.js';
import { type ReportFormat, writeReports } from '../detection/report.js';
import { openValues } from '../detection/value-series.js';
import type { VerdictOptions } from '../detection/verdict.js';
import { AppError, type ErrorCode, type ErrorDetails } from '../errors.js';
import { Model, type ModelIdentity } from '../inference/model.js';
import type { ModelFile } from '../inference/model-file.js';
import { addressOf, chooseModel } from '../inference/model-repository.js';
import { parseInferenceRequest } from '../open-inference/request.js';
import { writeInferenceResponse } from '../open-inference/response.js';
import { type AnswerPiece, Outbox, ownedBytes } from './outbox.js';
import { scoreShared, scoreTogether, type SharedChunks, shareChunks } from './shared-chunks.js';

/** What every worker is given. */
export interface WorkerSettings {
  models: ModelFile[];
  /** What answers where a request names no model. */
  defaultModel: string | undefined;
}

/** Bytes in memory, or the descriptor of an open file that holds them. */
export type InputBytes = { bytes: Uint8Array } | { descriptor: number };

/** What is to be detected. */
export interface DetectRequest {
  csv: InputBytes;
  /** The request's options as they came, see {@link parseOptions}. */
  options: Record<string, unknown>;
  /** The forms in which the verdict is wanted. */
  formats: ReportFormat[];
}

/** A request of the Open Inference Protocol. */
export interface InferRequest {
  body: InputBytes;
  /** How many bytes at the start of the body are JSON, where bytes of tensors follow. */
  headerLength?: number;
  /** The model that is to answer, as `name` or `name/version`. */
  model: string;
}

/** How a worker and its caller keep in touch. */
interface Job {
  /** For the pieces of the answer, for chunks that other workers may score, and for progress. */
  port: MessagePort;
  /** Shared with the caller, see `outboxEntries`. */
  entries: Int32Array;
}

/** What the pool asks of a worker: a verdict on a CSV. */
export type DetectJob = DetectRequest & Job;

/** What the pool asks of a worker: an answer of the Open Inference Protocol. */
export type InferJob = InferRequest & Job;

/** What a worker says while it computes. */
export type JobMessage = AnswerPiece | { chunks: OfferedChunks } | { progress: number };

/** Chunks that other workers may score. */
export interface OfferedChunks extends SharedChunks {
  /** With which model. */
  model: string;
}

/** What is known once a series is judged. */
export interface DetectAnswer {
  /** The model that answered. */
  model: ModelIdentity;
  /** The number of points. */
  length: number;
  /** How many of them are anomalous. */
  anomalousPoints: number;
  /** How many intervals they make. */
  intervals: number;
  /** Reasons to doubt the verdict, in words. */
  warnings: string[];
  /** Milliseconds spent on each step. */
  timings: Record<string, number>;
}

/** An error in a form that crosses threads with its code. */
export interface Failure {
  failure: { code: ErrorCode; message: string; details: ErrorDetails };
}

/** An answer, or what was wrong. */
export type DetectOutcome =
  | {
      answer: DetectAnswer;
      /** How many pieces of the reports were sent before. */
      sent: number;
      /** The pieces that were not. */
      rest: AnswerPiece[];
    }
  | Failure;

const PROGRESS_MILLISECONDS = 500;

const { models, defaultModel } = workerData as WorkerSettings;
const loaded = new Map<string, Promise<Model>>();

/** The model that a caller means, which is loaded when it is first needed. */
function loadModel(reference = defaultModel): Promise<Model> {
  const file = chooseModel(models, reference);
  const address = addressOf(file.metadata);
  const model = loaded.get(address) ?? Model.create(file);
  loaded.set(address, model);
  return model;
}

/** Loads every model, if need be, and has each score a series made up for the purpose; tells what went wrong. */
export async function probe(): Promise<Failure | undefined> {
  for (const { metadata } of models) {
    const address = addressOf(metadata);
    try {
      const model = await loadModel(address);
      await model.probe();
    } catch (error) {
      const { failure } = failureOf(error);
      return { failure: { ...failure, message: `Model ${address}: ${failure.message}` } };
    }
  }
  return undefined;
}

/** Scores one of the chunks that another worker has offered; tells whether there may be more. */
export async function help({ model, ...chunks }: OfferedChunks): Promise<boolean> {
  return scoreShared(await loadModel(model), chunks);
}

/** Reads a CSV, finds its anomalies and writes the reports. */
export default function runDetect(job: DetectJob): Promise<DetectOutcome> {
  return runJob(job, async (outbox, started) => {
    const { points, model, ...options } = parseOptions(job.options);
    const open = csvIn(sourceOf(job.csv));
    const detection = openDetection(open, await loadModel(model), options, job.port, outbox);
    return writeAnswer(detection, writeReports(detection, job.formats, points), outbox, started);
  });
}

/** Reads a request of the Open Inference Protocol and writes what it is answered. */
export function infer(job: InferJob): Promise<DetectOutcome> {
  return runJob(job, async (outbox, started) => {
    const model = await loadModel(job.model);
    const request = parseInferenceRequest(wholeOf(job.body), job.headerLength, model.columns.length);
    const options = parseOptions(request.options, verdictOptionNames);
    const open: OpenSeries = (columns) => openValues(request.values, columns);
    const detection = openDetection(open, model, options, job.port, outbox);
    detection.timings.parsing = performance.now() - started;
    return writeAnswer(detection, writeInferenceResponse(detection, request), outbox, started);
  });
}

async function runJob(
  { port, entries }: Job,
  work: (outbox: Outbox, started: number) => Promise<DetectAnswer>,
): Promise<DetectOutcome> {
  const outbox = new Outbox(port, entries);
  try {
    outbox.checkpoint();
    const answer = await work(outbox, performance.now());
    return handOver({ answer, sent: outbox.sent, rest: outbox.takeRest() });
  } catch (error) {
    return failureOf(error);
  } finally {
    port.close();
  }
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof AppError)) throw error;
  const { code, message, details } = error;
  return { failure: { code, message, details } };
}

function openDetection(
  open: OpenSeries,
  model: Model,
  options: VerdictOptions,
  port: MessagePort,
  outbox: Outbox,
): Detection {
  const watch = { checkpoint: () => outbox.checkpoint(), onProgress: reportProgress(port) };
  return Detection.open(open, withHelp(model, port, outbox), options, watch);
}

async function writeAnswer(
  detection: Detection,
  pieces: AsyncIterable<AnswerPiece>,
  outbox: Outbox,
  started: number,
): Promise<DetectAnswer> {
  for await (const piece of pieces) await outbox.write(piece);
  const { parsing, inference, verdict } = detection.timings;
  const report = performance.now() - started - parsing - inference - verdict - outbox.waited;
  const { anomalousPoints, anomalies, warnings } = detection.verdict;
  return {
    model: detection.model,
    length: detection.series.length,
    anomalousPoints,
    intervals: anomalies.length,
    warnings: warnings.map(({ message }) => message),
    timings: { parsing, inference, verdict, report },
  };
}

function wholeOf(input: InputBytes): Uint8Array {
  return 'bytes' in input ? input.bytes : Buffer.concat(Array.from(sourceOf(input).pieces(), (piece) => piece.slice()));
}

function sourceOf(input: InputBytes): ByteSource {
  return 'bytes' in input ? bytesInMemory(input.bytes) : bytesInFile(input.descriptor);
}

/** The model, which shares a long series with other workers. */
function withHelp(model: Model, port: MessagePort, outbox: Outbox): Scorer {
  const { columns, metadata, identity, chunkPlan } = model;
  return {
    ...{ columns, metadata, identity, chunkPlan },
    checkLength: (length) => model.checkLength(length),
    score: (chunks, length) => {
      if (length <= chunkPlan.chunkPoints) return model.score(chunks);
      const shared = shareChunks(chunkPlan);
      const offered: OfferedChunks = { model: addressOf(identity), ...shared };
      const offer = () => port.postMessage({ chunks: offered } satisfies JobMessage);
      return scoreTogether(model, chunks, shared, offer, () => outbox.checkpoint());
    },
  };
}

function reportProgress(port: MessagePort): (share: number) => void {
  let last = performance.now();
  return (progress) => {
    if (performance.now() - last < PROGRESS_MILLISECONDS) return;
    last = performance.now();
    port.postMessage({ progress } satisfies JobMessage);
  };
}

/** Has piscina hand the pieces' bytes to the main thread without copying them. */
function handOver(outcome: Extract<DetectOutcome, { answer: DetectAnswer }>): DetectOutcome {
  const rest = outcome.rest.map(({ format, bytes }) => ({ format, bytes: ownedBytes(bytes) }));
  const transferable = {
    [Piscina.transferableSymbol]: rest.map(({ bytes }) => bytes.buffer),
    [Piscina.valueSymbol]: { ...outcome, rest },
  };
  return move(transferable as unknown as Parameters<typeof move>[0]) as unknown as DetectOutcome;
}
