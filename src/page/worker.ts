import type { ErrorAnswer } from '../error-handler.js';
import type { ModelDescription } from '../inference/metadata.js';
import { type PackedScored, readScored } from './scored-csv.js';

/** What the page asks of the worker: to have a CSV scored. */
export interface ScoringJob {
  url: string;
  file: File;
  /** The form's fields besides the file. */
  fields: Record<string, string>;
  model: ModelDescription;
}

/** An error as the server answers it, or as it is where there is no answer. */
export type Failure = Pick<ErrorAnswer, 'message'> & Partial<ErrorAnswer>;

/** What the worker says while it works; `share` (0 to 1) is missing where nobody knows it. */
export type ScoringNews =
  | { kind: 'progress'; step: 'sending' | 'computing' | 'receiving' | 'reading'; share?: number }
  | { kind: 'scored'; scored: PackedScored }
  | { kind: 'failed'; failure: Failure };

addEventListener('message', ({ data }: MessageEvent<ScoringJob>) => {
  score(data).then(
    (scored) => tell({ kind: 'scored', scored }, buffersOf(scored)),
    (error: unknown) => tell({ kind: 'failed', failure: failureOf(error) }),
  );
});

async function score({ url, file, fields, model }: ScoringJob): Promise<PackedScored> {
  const csv = await send(url, file, fields);
  return readScored(csv, model, (share) => tell({ kind: 'progress', step: 'reading', share }));
}

/** Sends the file with an XMLHttpRequest, which, unlike fetch, tells how far the upload has come. */
function send(url: string, file: File, fields: Record<string, string>): Promise<Uint8Array> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('text', file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.setRequestHeader('Accept', 'text/csv');
    request.responseType = 'arraybuffer';
    request.upload.onprogress = (event) => progress('sending', event);
    request.upload.onload = () => tell({ kind: 'progress', step: 'computing' });
    request.onprogress = (event) => progress('receiving', event);
    request.onerror = () => reject(new Error('The service does not answer: the connection failed.'));
    request.onload = () => {
      const answer = new Uint8Array(request.response as ArrayBuffer);
      if (request.status === 200) resolve(answer);
      else reject(failureIn(answer, request.status));
    };
    request.send(form);
  });
}

function failureIn(answer: Uint8Array, status: number): FailureError {
  try {
    return new FailureError(JSON.parse(new TextDecoder().decode(answer)) as Failure);
  } catch {
    return new FailureError({ message: `The service answered ${status} without a word about what is wrong.` });
  }
}

class FailureError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure;
  return { message: error instanceof Error ? error.message : String(error) };
}

function progress(step: 'sending' | 'receiving', { lengthComputable, loaded, total }: ProgressEvent): void {
  tell({ kind: 'progress', step, share: lengthComputable ? loaded / total : undefined });
}

function tell(news: ScoringNews, transfer: Transferable[] = []): void {
  postMessage(news, { transfer });
}

function buffersOf({ values, expected, error, columnError, missing, gaps, times }: PackedScored): Transferable[] {
  const arrays = [values, expected, error, columnError, missing, gaps, times?.text, times?.ends, times?.seconds];
  return arrays.flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []));
}
