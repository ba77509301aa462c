import type { Warning } from '../detection/warnings.js';
import { byId, make } from './dom.js';
import type { Failure } from './failure.js';
import { integer } from './format.js';
import type { Progress } from './service.js';

/** What a CSV waits for. */
type Step = Progress['step'] | 'waiting' | 'fetching';

const steps: Record<Step, string> = {
  waiting: 'Waiting for the service',
  fetching: 'Fetching the CSV',
  sending: 'Sending the CSV',
  computing: 'The service computes',
  receiving: 'Receiving the scores',
  reading: 'Preparing the chart',
};
/** What several warnings of one kind say together. */
const together: Partial<Record<Warning['code'], string>> = {
  OUTSIDE_TRAINING_RANGE: 'columns leave the range of the training data',
};
const detailNames = { row: 'Row', column: 'Column', expected: 'Expected', received: 'Got' } as const;

/** Says how far a CSV has come; `share` (0 to 1) is missing where nobody knows it. */
export function showProgress(file: string, { step, share }: { step: Step; share?: number }): void {
  byId('progress', HTMLElement).hidden = false;
  const text = `${steps[step]}: ${file}`;
  const said = byId('step', HTMLElement);
  if (said.textContent !== text) said.textContent = text;
  const bar = byId('share', HTMLProgressElement);
  if (share === undefined) bar.removeAttribute('value');
  else bar.value = share;
}

/** Says that nothing is under way. */
export function hideProgress(): void {
  byId('progress', HTMLElement).hidden = true;
}

/** Says what is wrong, offers to try again where that can help, and puts the focus there. */
export function showFailure(title: string, { message, code, details }: Failure, onRetry?: () => void): void {
  const section = byId('error', HTMLElement);
  section.hidden = false;
  byId('error-title', HTMLElement).textContent = title;
  byId('error-text', HTMLElement).textContent = message;
  const named = Object.entries(detailNames).map(
    ([key, name]) => [name, details?.[key as keyof typeof details]] as const,
  );
  const pairs = [...named, ['Code', code] as const].filter(([, value]) => value !== undefined);
  byId('error-details', HTMLElement).replaceChildren(
    ...pairs.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', String(value))]),
  );
  offerRetry(onRetry);
  section.focus();
}

/** Says that nothing is wrong. */
export function hideFailure(): void {
  byId('error', HTMLElement).hidden = true;
}

function offerRetry(onRetry?: () => void): void {
  const button = byId('retry', HTMLButtonElement);
  button.hidden = !onRetry;
  button.disabled = false;
  button.onclick = () => {
    button.disabled = true;
    onRetry?.();
  };
}

/** Lists the reasons for doubt, those of one kind together. */
export function showWarnings(warnings: readonly Warning[]): void {
  const list = byId('warnings', HTMLElement);
  const isOpen = list.querySelector('details')?.open ?? false;
  const codes = [...new Set(warnings.map(({ code }) => code))];
  const items = codes.map((code) =>
    warningItem(
      code,
      warnings.filter((warning) => warning.code === code),
      isOpen,
    ),
  );
  // What has not changed is not to be read out again.
  const isSaid = items.length === list.children.length && items.every((item, i) => item.isEqualNode(list.children[i]));
  if (!isSaid) list.replaceChildren(...items);
}

function warningItem(code: Warning['code'], alike: Warning[], isOpen: boolean): HTMLElement {
  if (alike.length === 1) return make('li', '', alike[0].message);
  const what = together[code] ?? 'warnings of one kind';
  const messages = make('ul', '', ...alike.map(({ message }) => make('li', '', message)));
  const details = make('details', '', make('summary', '', `${integer(alike.length)} ${what}`), messages);
  details.open = isOpen;
  return make('li', '', details);
}
