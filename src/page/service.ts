import type { ReportFormat } from '../detection/report.js';
import type { ModelDescription } from '../inference/metadata.js';
import type { ListedModel, ModelList } from '../model-list.js';
import { computeForm, computeRequest } from './compute-request.js';
import { ServiceError, connectionFailed, errorAnswered } from './failure.js';
import type { PackedScored } from './scored-csv.js';
import type { ScoringJob, ScoringNews } from './worker.js';

// The bundler puts the worker's file name and the sample's header here.
declare const WORKER_FILE: string;
declare const SAMPLE_COLUMNS: string[];

/** How far a CSV has come. */
export type Progress = Extract<ScoringNews, { kind: 'progress' }>;

/** The address of `/compute`. */
export const computeUrl = new URL('compute', document.baseURI).href;
/** The CSV that comes with the page, and where it is to be had. */
export const SAMPLE = { name: 'sample.csv', source: new URL('sample.csv', document.baseURI).href };

/** A model and how requests name it. */
export interface ChosenModel {
  description: ModelDescription;
  /** The field of `/compute` that names it; none where there is no other. */
  fields: { model?: string };
}

/** The models that the service has. */
export async function fetchModels(): Promise<ListedModel[]> {
  const { models } = await requestJson<ModelList>('models');
  return models;
}

/** What the service says of a model; without a name of the one that answers where none is named. */
export async function fetchModel(model?: string): Promise<ChosenModel> {
  const path = model === undefined ? 'model' : `model?model=${encodeURIComponent(model)}`;
  return { description: await requestJson<ModelDescription>(path), fields: model === undefined ? {} : { model } };
}

/** What the service has in place of a model by now; undefined where it is still that one. */
export async function fetchSuccessor({ description, fields }: ChosenModel): Promise<ChosenModel | undefined> {
  const now = await fetchModel(fields.model);
  return now.description.sha256 === description.sha256 ? undefined : now;
}

/** Whether a model with these columns reads the CSV that comes with the page. */
export function fitsSample(columns: string[]): boolean {
  return columns.every((column) => SAMPLE_COLUMNS.includes(column));
}

/** Fetches the CSV that comes with the page. */
export async function fetchSample(signal: AbortSignal): Promise<File> {
  return new File([await request(SAMPLE.name, { signal })], SAMPLE.name, { type: 'text/csv' });
}

/**
 * Has the service score a CSV, in a thread of its own.
 *
 * @throws ServiceError, or what `signal` was aborted with
 */
export function scoreFile(
  file: File,
  { description: model, fields }: ChosenModel,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<PackedScored> {
  const worker = new Worker(new URL(WORKER_FILE, import.meta.url), { type: 'module' });
  const scored = new Promise<PackedScored>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    worker.addEventListener('error', (event) => {
      // What is no error of its code is that the code could not be had.
      if (!(event instanceof ErrorEvent)) void connectionFailed().then(reject);
      else reject(new ServiceError({ message: `The answer cannot be shown: ${event.message}.` }));
    });
    worker.addEventListener('message', ({ data }: MessageEvent<ScoringNews>) => {
      if (data.kind === 'progress') onProgress(data);
      else if (data.kind === 'scored') resolve(data.scored);
      else reject(new ServiceError(data.failure));
    });
  });
  worker.postMessage({ url: computeUrl, file, fields, model } satisfies ScoringJob);
  // Its end is also that of a request under way.
  return scored.finally(() => worker.terminate());
}

/** The service's answer in a form to keep, the same that the curl command gives. */
export function fetchReport(file: File, options: Record<string, string>, format: ReportFormat): Promise<Blob> {
  const asked = computeRequest(options, format);
  return request('compute', { method: 'POST', body: computeForm(asked, file), headers: asked.headers }, file);
}

async function requestJson<T>(path: string): Promise<T> {
  const text = await (await request(path)).text();
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ServiceError({ message: 'The answer cannot be read: it does not seem to be one of this service.' });
  }
}

/**
 * An answer, once all of it has come.
 *
 * @param file what is sent
 * @throws ServiceError, or what the signal in `init` was aborted with
 */
async function request(path: string, init?: RequestInit, file?: File): Promise<Blob> {
  const { ok, status, body } = await transfer(path, init).catch(async (error: unknown) => {
    throw init?.signal?.aborted ? error : await connectionFailed(file);
  });
  if (ok) return body;
  throw errorAnswered(status, await body.text());
}

async function transfer(path: string, init?: RequestInit): Promise<Pick<Response, 'ok' | 'status'> & { body: Blob }> {
  const answer = await fetch(new URL(path, document.baseURI), init);
  return { ok: answer.ok, status: answer.status, body: await answer.blob() };
}
