import type { Warning } from '../detection/warnings.js';
import { byId, make } from './dom.js';
import type { Failure } from './failure.js';
import type { Progress } from './service.js';

const steps: Record<Progress['step'], string> = {
  sending: 'Sending the CSV',
  computing: 'The service computes',
  receiving: 'Receiving the scores',
  reading: 'Preparing the chart',
};
const detailNames = { row: 'Row', column: 'Column', expected: 'Expected', received: 'Got' } as const;

/** Says how far a CSV has come; without a progress nothing is under way. */
export function showProgress(file: string, progress?: Pick<Progress, 'step' | 'share'>): void {
  const section = byId('progress', HTMLElement);
  section.hidden = !progress;
  if (!progress) return;
  const text = `${steps[progress.step]}: ${file}`;
  const step = byId('step', HTMLElement);
  if (step.textContent !== text) step.textContent = text;
  const bar = byId('share', HTMLProgressElement);
  if (progress.share === undefined) bar.removeAttribute('value');
  else bar.value = progress.share;
}

/** Says what is wrong, and puts the focus there; without a failure nothing is. */
export function showFailure(file: string, failure?: Failure): void {
  const section = byId('error', HTMLElement);
  section.hidden = !failure;
  if (!failure) return;
  const { message, code, details } = failure;
  byId('error-title', HTMLElement).textContent = `${file} could not be checked`;
  byId('error-text', HTMLElement).textContent = message;
  const named = Object.entries(detailNames).map(
    ([key, name]) => [name, details?.[key as keyof typeof details]] as const,
  );
  const pairs = [...named, ['Code', code] as const].filter(([, value]) => value !== undefined);
  byId('error-details', HTMLElement).replaceChildren(
    ...pairs.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', String(value))]),
  );
  section.focus();
}

/** Lists the reasons for doubt. */
export function showWarnings(warnings: readonly Warning[]): void {
  const list = byId('warnings', HTMLElement);
  const said = [...list.children].map(({ textContent }) => textContent);
  const messages = warnings.map(({ message }) => message);
  if (said.join('\n') === messages.join('\n')) return;
  list.replaceChildren(...messages.map((message) => make('li', '', message)));
}
