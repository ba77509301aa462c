import { Piscina, move, workerData } from 'piscina';
import { detect } from '../detection/detect.js';
import { parseOptions } from '../detection/options.js';
import { type ReportFormat, writeReport } from '../detection/report.js';
import { AppError, type ErrorCode, type ErrorDetails } from '../errors.js';
import { Model } from '../inference/model.js';

/** What the pool asks of a worker. */
export interface DetectJob {
  /** The bytes of the CSV. */
  csv: Uint8Array;
  /** The request's options as they came, see {@link parseOptions}. */
  options: Record<string, unknown>;
  /** The form of the answer. */
  format: ReportFormat;
  /** Shared with the caller, who sets its first entry to 1 once nobody waits for the answer. */
  abandoned: Int32Array;
}

/** What a worker answers. */
export interface DetectAnswer {
  /** The report's text, encoded as UTF-8, in pieces. */
  body: Uint8Array[];
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

/** Reads a CSV, finds its anomalies and writes the report. */
export default async function runDetect({ csv, options, format, abandoned }: DetectJob): Promise<DetectOutcome> {
  const checkpoint = () => {
    if (Atomics.load(abandoned, 0) === 1) throw new Error('Nobody waits for the answer any more.');
  };
  try {
    checkpoint();
    const { points, ...verdictOptions } = parseOptions(options);
    const detection = await detect(csv, await loadModel(), verdictOptions, { checkpoint });
    const started = performance.now();
    const encoder = new TextEncoder();
    const body = Array.from(writeReport(detection, format, points), (piece) => {
      checkpoint();
      return encoder.encode(piece);
    });
    const timings = { ...detection.timings, report: performance.now() - started };
    const { length } = detection.series;
    return handOver({ answer: { body, length, anomalousPoints: detection.verdict.anomalousPoints, timings } });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, details } = error;
    return { failure: { code, message, details } };
  }
}

/** Has piscina hand the answer's bytes to the main thread without copying them. */
function handOver(outcome: { answer: DetectAnswer }): DetectOutcome {
  const transferable = {
    [Piscina.transferableSymbol]: outcome.answer.body.map(({ buffer }) => buffer),
    [Piscina.valueSymbol]: outcome,
  };
  return move(transferable as unknown as Parameters<typeof move>[0]) as unknown as DetectOutcome;
}
