import type { ReportFormat } from '../detection/report.js';
import type { ModelDescription } from '../inference/metadata.js';
import type { ListedModel, ModelList } from '../model-list.js';
import type { PackedScored } from './scored-csv.js';
import type { Failure, ScoringJob, ScoringNews } from './worker.js';

// The bundler puts the worker's file name and the sample's header here.
declare const WORKER_FILE: string;
declare const SAMPLE_COLUMNS: string[];

/** How far a CSV has come. */
export type Progress = Extract<ScoringNews, { kind: 'progress' }>;

/** What the service, or the way to it, has against a request. */
export class ServiceError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** The address of `/compute`. */
export const computeUrl = new URL('compute', document.baseURI).href;
const mediaTypes: Record<ReportFormat, string> = { json: 'application/json', csv: 'text/csv', png: 'image/png' };

/** A model and how requests name it. */
export interface ChosenModel {
  description: ModelDescription;
  /** The field of `/compute` that names it; none where there is no other. */
  fields: { model?: string };
}

/** The models that the service has. */
export async function fetchModels(): Promise<ListedModel[]> {
  const answer = await request('models');
  return ((await answer.json()) as ModelList).models;
}

/** What the service says of a model; without a name of the one that answers where none is named. */
export async function fetchModel(model?: string): Promise<ChosenModel> {
  const answer = await request(model === undefined ? 'model' : `model?model=${encodeURIComponent(model)}`);
  return { description: (await answer.json()) as ModelDescription, fields: model === undefined ? {} : { model } };
}

/** Whether a model with these columns reads the CSV that comes with the page. */
export function fitsSample(columns: string[]): boolean {
  return columns.every((column) => SAMPLE_COLUMNS.includes(column));
}

/** The CSV that comes with the page. */
export async function fetchSample(): Promise<File> {
  const answer = await request('sample.csv');
  return new File([await answer.blob()], 'sample.csv', { type: 'text/csv' });
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
      const isOwn = event instanceof ErrorEvent;
      reject(isOwn ? new ServiceError({ message: `The answer cannot be shown: ${event.message}.` }) : unreachable());
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
export async function fetchReport(file: File, fields: Record<string, string>, format: ReportFormat): Promise<Blob> {
  const answer = await compute(file, fields, format);
  return answer.blob();
}

function compute(file: File, fields: Record<string, string>, format: ReportFormat) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (format === 'json') form.append('points', 'false');
  form.append('text', file, file.name);
  return request('compute', { method: 'POST', body: form, headers: { Accept: mediaTypes[format] } });
}

async function request(path: string, init?: RequestInit): Promise<Response> {
  const answer = await fetch(new URL(path, document.baseURI), init).catch((error: unknown) => {
    if (init?.signal?.aborted) throw error;
    throw unreachable();
  });
  if (answer.ok) return answer;
  const failure = (await answer.json().catch(() => undefined)) as Failure | undefined;
  throw new ServiceError(failure ?? { message: `The service answered ${answer.status}.` });
}

function unreachable(): ServiceError {
  return new ServiceError({ message: 'The service does not answer: the connection failed.' });
}
