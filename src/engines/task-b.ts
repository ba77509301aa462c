import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../errors.js';
import type { Outcome, Task, TaskAnswer } from '../tasks/task.js';
import { ifNotConnected, persistently, Refused, unlessRefused } from './delivery.js';
import { AnswerTooLarge, call, succeeded } from './outgoing.js';
import { type Bucket, getObject, putObject, StorageError } from './s3.js';
import { serviceDescription } from './service-description.js';
import type { Trust } from './trust.js';

/** A task as an Engine of generation B sends it. */
export interface EngineTask {
  /** The key that files are read and written with. */
  s3_access_key_id: string;
  /** The secret that belongs to the key. */
  s3_secret_access_key: string;
  /** The storage's region. */
  s3_region: string;
  /** The storage's address. */
  s3_host: string;
  /** The bucket that holds the files. */
  s3_bucket: string;
  /** What is to be done. */
  task: {
    /** The Engine's name for the task. */
    id: string;
    /** The keys of the inputs in the bucket: one CSV. */
    data_in: string[];
    /** The run of a pipeline that the task belongs to, if it does. */
    pipeline_execution_id?: string | null;
  };
  /** Where the outcome goes. */
  callback_url: string;
}

const engineTaskSchema: z.ZodType<EngineTask> = z.object({
  s3_access_key_id: z.string(),
  s3_secret_access_key: z.string(),
  s3_region: z.string(),
  s3_host: z.string(),
  s3_bucket: z.string(),
  task: z.object({
    id: z.string().min(1),
    data_in: z.array(z.string()).length(1),
    pipeline_execution_id: z.string().nullish(),
  }),
  callback_url: z.string(),
});

/** What tasks of Engines of generation B are held to. */
export interface TaskBSettings {
  /** The largest CSV that is fetched, in bytes. */
  maxUploadBytes: number;
  /** How long an Engine or a storage that fails is called again. */
  deliverySeconds: number;
}

const CALLBACK_SECONDS = 30;
const FETCH_RETRY_SECONDS = 20;

/** Whether a JSON body is meant as a task of an Engine of generation B. */
export function isEngineTask(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'task' in body;
}

/**
 * A task of an Engine of generation B: the CSV and the outcome's files are in the storage that it
 * names, and the Engine is told at the task's own address.
 *
 * @param body the request's body
 * @throws AppError INVALID_PARAMETER where the body is no such task, ADDRESS_NOT_ALLOWED where it names
 *   an address that may not be called
 */
export function taskOfEngineB(body: unknown, trust: Trust, settings: TaskBSettings): Task {
  const { task, callback_url: callbackUrl, ...storage } = parseTask(body);
  const callback = trust.checkCallback(callbackUrl);
  const bucket: Bucket = {
    host: trust.checkStorage(storage.s3_host),
    region: storage.s3_region,
    bucket: storage.s3_bucket,
    accessKeyId: storage.s3_access_key_id,
    secretAccessKey: storage.s3_secret_access_key,
  };
  const { maxUploadBytes, deliverySeconds } = settings;
  // In a pipeline a repeated callback would hand the outputs on twice.
  const rule = task.pipeline_execution_id ? ifNotConnected : unlessRefused;
  return {
    id: task.id,
    formats: serviceDescription.outputs.map(({ format }) => format),
    fetch: async (signal) => ({
      csv: { bytes: await fetchCsv(bucket, task.data_in[0], maxUploadBytes, signal) },
      options: {},
    }),
    deliver: async (outcome, signal) => {
      const update = await saveOutcome(bucket, outcome, deliverySeconds, signal);
      await persistently(() => callBack(callback, update, signal), rule, deliverySeconds, signal);
    },
  };
}

function parseTask(body: unknown): EngineTask {
  const checked = engineTaskSchema.safeParse(body);
  if (checked.success) return checked.data;
  const [{ path, message }] = checked.error.issues;
  throw new AppError('INVALID_PARAMETER', `The task cannot be taken: ${path.join('.')}: ${message}.`);
}

async function fetchCsv(bucket: Bucket, key: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const rule = (error: Error) => !(error instanceof AnswerTooLarge) && unlessRefused(error);
  try {
    return await persistently(() => getObject(bucket, key, maxBytes, signal), rule, FETCH_RETRY_SECONDS, signal);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if (cause instanceof AnswerTooLarge) {
      throw new AppError('FILE_TOO_LARGE', `The CSV is larger than the limit of ${maxBytes} bytes.`, {}, { cause });
    }
    const reason = cause instanceof StorageError ? cause.message : 'storage cannot be reached';
    throw new AppError('INPUT_UNAVAILABLE', `The CSV could not be read: ${reason}.`, {}, { cause });
  }
}

/** What the Engine is told of a task. */
interface TaskUpdate {
  service: null;
  url: null;
  data_out: string[];
  status: 'finished' | 'error';
  error_message: string | null;
}

async function saveOutcome(
  bucket: Bucket,
  outcome: Outcome,
  seconds: number,
  signal: AbortSignal,
): Promise<TaskUpdate> {
  if ('error' in outcome) return failed(`${outcome.error.code}: ${outcome.error.message}`);
  try {
    const keys = await saveReports(bucket, outcome.answer, seconds, signal);
    return { service: null, url: null, data_out: keys, status: 'finished', error_message: null };
  } catch (error) {
    const reason = error instanceof StorageError ? error.message : 'storage cannot be reached';
    return failed(`The results could not be stored: ${reason}.`);
  }
}

function failed(message: string): TaskUpdate {
  return { service: null, url: null, data_out: [], status: 'error', error_message: message };
}

function saveReports(bucket: Bucket, { reports }: TaskAnswer, seconds: number, signal: AbortSignal): Promise<string[]> {
  const saved = serviceDescription.outputs.map(async ({ type, extension }, i) => {
    const key = `${randomUUID()}${extension}`;
    const put = () => putObject(bucket, key, reports[i], type, signal);
    await persistently(put, unlessRefused, seconds, signal);
    return key;
  });
  return Promise.all(saved);
}

async function callBack(url: URL, update: TaskUpdate, signal: AbortSignal): Promise<void> {
  const answer = await call(url.href, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(update),
    timeoutSeconds: CALLBACK_SECONDS,
    signal,
  });
  if (!succeeded(answer)) throw new Refused('the callback', answer.status);
}
