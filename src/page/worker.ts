import type { ModelDescription } from '../inference/metadata.js';
import { type ComputeRequest, computeForm, computeRequest } from './compute-request.js';
import { type Failure, connectionFailed, errorAnswered, failureOf } from './failure.js';
import { type PackedScored, readScored } from './scored-csv.js';

/** What the page asks of the worker: to have a CSV scored. */
export interface ScoringJob {
  url: string;
  file: File;
  /** The form's fields besides the file. */
  fields: Record<string, string>;
  model: ModelDescription;
}

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
  const csv = await send(url, file, computeRequest(fields, 'csv'));
  return readScored(csv, model, (share) => tell({ kind: 'progress', step: 'reading', share }));
}

/** Sends the file with an XMLHttpRequest, which, unlike fetch, tells how far the upload has come. */
function send(url: string, file: File, asked: ComputeRequest): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    for (const [name, value] of Object.entries(asked.headers)) request.setRequestHeader(name, value);
    request.responseType = 'arraybuffer';
    request.upload.onprogress = (event) => progress('sending', event);
    request.upload.onload = () => tell({ kind: 'progress', step: 'computing' });
    request.onprogress = (event) => progress('receiving', event);
    request.onerror = () => void connectionFailed(file).then(reject);
    request.onload = () => {
      const answer = new Uint8Array(request.response as ArrayBuffer);
      if (request.status === 200) resolve(answer);
      else reject(errorAnswered(request.status, new TextDecoder().decode(answer)));
    };
    request.send(computeForm(asked, file));
  });
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
