import { Piscina, move, workerData } from 'piscina';
import type { MessagePort } from 'node:worker_threads';
import { detect, type Scorer } from '../detection/detect.js';
import { parseOptions } from '../detection/options.js';
import { type ReportFormat, writeReport } from '../detection/report.js';
import { AppError, type ErrorCode, type ErrorDetails } from '../errors.js';
import { Model } from '../inference/model.js';
import { computeAll, computePart, type SharedWork, shareWork } from './together.js';

/** What the pool asks of a worker. */
export interface DetectJob {
  /** The bytes of the CSV. */
  csv: Uint8Array;
  /** The request's options as they came, see {@link parseOptions}. */
  options: Record<string, unknown>;
  /** The forms in which the verdict is wanted. */
  formats: ReportFormat[];
  /** Shared with the caller, who sets its first entry to 1 once nobody waits for the answer. */
  abandoned: Int32Array;
  /** Where a long series is offered to other workers, part by part. */
  offers: MessagePort;
}

/** What a worker answers. */
export interface DetectAnswer {
  /** The report in each of the forms that were asked for, in that order: its bytes, in pieces. */
  reports: Uint8Array[][];
  /** The number of points. */
  length: number;
  /** How many of them are anomalous. */
  anomalousPoints: number;
  /** Milliseconds spent on each step. */
  timings: Record<string, number>;
}

/** An answer, or an error in a form that crosses threads with its code. */
export type DetectOutcome =
  { answer: DetectAnswer } | { failure: { code: ErrorCode; message: string; details: ErrorDetails } };

let loading: Promise<Model> | undefined;

function loadModel(): Promise<Model> {
  return (loading ??= Model.fromBytes((workerData as { model: Uint8Array }).model));
}

/** Loads the model, if need be, and scores a series made up for the purpose. */
export async function probe(): Promise<void> {
  const model = await loadModel();
  await model.probe();
}

/** Computes one part of what another worker has offered; tells whether there may be more. */
export async function help(work: SharedWork): Promise<boolean> {
  return computePart(await loadModel(), work);
}

/** The model, which offers long series to other workers. */
function withHelp(model: Model, { abandoned, offers }: DetectJob): Scorer {
  const { columns, metadata, identity } = model;
  return {
    ...{ columns, metadata, identity },
    reconstruct: (values, options) => {
      const work = shareWork(model, values, abandoned);
      if (!work) return model.reconstruct(values, options);
      offers.postMessage(work);
      return computeAll(model, work, options);
    },
  };
}

/** Reads a CSV, finds its anomalies and writes the report. */
export default async function runDetect(job: DetectJob): Promise<DetectOutcome> {
  const { csv, options, formats, abandoned, offers } = job;
  const checkpoint = () => {
    if (Atomics.load(abandoned, 0) === 1) throw new Error('Nobody waits for the answer any more.');
  };
  try {
    checkpoint();
    const { points, ...verdictOptions } = parseOptions(options);
    const detection = await detect(csv, withHelp(await loadModel(), job), verdictOptions, { checkpoint });
    const started = performance.now();
    const reports: Uint8Array[][] = [];
    for (const format of formats) {
      reports.push(toBytes(writeReport(detection, format, points), checkpoint));
    }
    const timings = { ...detection.timings, report: performance.now() - started };
    const { length } = detection.series;
    return handOver({ answer: { reports, length, anomalousPoints: detection.verdict.anomalousPoints, timings } });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, details } = error;
    return { failure: { code, message, details } };
  } finally {
    offers.close();
  }
}

function toBytes(pieces: Iterable<string | Uint8Array>, checkpoint: () => void): Uint8Array[] {
  const encoder = new TextEncoder();
  return Array.from(pieces, (piece) => {
    checkpoint();
    return typeof piece === 'string' ? encoder.encode(piece) : Uint8Array.from(piece);
  });
}

/** Has piscina hand the answer's bytes to the main thread without copying them. */
function handOver(outcome: { answer: DetectAnswer }): DetectOutcome {
  const transferable = {
    [Piscina.transferableSymbol]: outcome.answer.reports.flat().map(({ buffer }) => buffer),
    [Piscina.valueSymbol]: outcome,
  };
  return move(transferable as unknown as Parameters<typeof move>[0]) as unknown as DetectOutcome;
}
