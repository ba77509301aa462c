import { File } from 'node:buffer';
import { FormData } from 'undici';
import type { AppError } from '../errors.js';
import type { Outcome, Task, TaskAnswer, TaskInput } from '../tasks/task.js';
import { ifNotConnected, persistently, Refused } from './delivery.js';
import { call, succeeded } from './outgoing.js';

// The Engine keeps JSON in a document of its database, which holds 16 MB.
const LARGEST_JSON = 8 * 1024 * 1024;
const CALLBACK_SECONDS = 30;
const STATUS_SECONDS = 10;
const CALLBACK_PATH = /\/processing$/;

/**
 * A task of an Engine of generation A: the CSV came with it, and the outcome goes to its callback. The
 * Engine breaks at a second callback for the same task, so that only a call that never left is repeated;
 * and at one for a task that it has forgotten, so that it is asked before.
 *
 * @param id the Engine's name for the task
 * @param callback where the outcome goes
 * @param upload the CSV, or why it could not be taken
 * @param deliverySeconds how long an Engine that cannot be reached is called again
 */
export function taskOfEngineA(id: string, callback: URL, upload: TaskInput | AppError, deliverySeconds: number): Task {
  const url = new URL(callback);
  url.searchParams.set('task_id', id);
  return {
    id,
    formats: ['json', 'png', 'csv'],
    upload: 'csv' in upload ? upload.upload : undefined,
    fetch: () => ('csv' in upload ? Promise.resolve(upload) : Promise.reject(upload)),
    deliver: (outcome, signal) =>
      persistently(() => callBackIfKnown(id, url, outcome, signal), ifNotConnected, deliverySeconds, signal),
  };
}

async function callBackIfKnown(id: string, url: URL, outcome: Outcome, signal: AbortSignal): Promise<void> {
  if (CALLBACK_PATH.test(url.pathname)) {
    const status = new URL(url.pathname.replace(CALLBACK_PATH, `/tasks/${encodeURIComponent(id)}/status`), url);
    const known = await call(status.href, { method: 'GET', timeoutSeconds: STATUS_SECONDS, signal });
    if (!succeeded(known)) throw new Error('the Engine does not know the task any more');
  }
  await callBack(url, outcome, signal);
}

async function callBack(url: URL, outcome: Outcome, signal: AbortSignal): Promise<void> {
  const answer = await call(url.href, {
    method: 'POST',
    ...('error' in outcome ? errorBody(outcome.error) : { body: resultForm(outcome.answer) }),
    timeoutSeconds: CALLBACK_SECONDS,
    signal,
  });
  if (!succeeded(answer)) throw new Refused('the callback', answer.status);
}

function errorBody({ code, message }: AppError) {
  const body = JSON.stringify({ type: 'error', message: `${code}: ${message}` });
  return { headers: { 'content-type': 'application/json' }, body };
}

/** The part that is JSON becomes the result; the others become files in it, by their names. */
function resultForm({ reports: [json, png, csv] }: TaskAnswer): FormData {
  const form = new FormData();
  const append = (name: string, report: Buffer, extension: string, type: string) => {
    form.append(name, new File([report], `${name}.${extension}`, { type }));
  };
  const asFile = json.byteLength > LARGEST_JSON;
  append('verdict', json, 'json', asFile ? 'application/octet-stream' : 'application/json');
  append('plot', png, 'png', 'image/png');
  append('scores', csv, 'csv', 'text/csv');
  return form;
}
