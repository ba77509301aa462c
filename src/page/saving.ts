import type { ReportFormat } from '../detection/report.js';
import { byId } from './dom.js';
import { ServiceError, failureOf } from './failure.js';
import { type ChosenModel, fetchReport, fetchSuccessor } from './service.js';

const endings: Record<ReportFormat, string> = { csv: '.scored.csv', json: '.verdict.json', png: '.plot.png' };

/** What is to be saved. */
export interface Saved {
  file: File;
  fields: Record<string, string>;
  /** The model that scored it. */
  model: ChosenModel;
}

/** Saves what the service answers for what is on screen, in the form of the button that is pressed. */
export function saveOnClick(onScreen: () => Saved | undefined): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-format]')) {
    button.addEventListener('click', () => {
      const saved = onScreen();
      if (saved) void save(button, saved, () => isSame(saved, onScreen()));
    });
  }
}

/** Says nothing of what was saved, since something else is on screen. */
export function forgetSaved(): void {
  tell('');
}

async function save(button: HTMLButtonElement, saved: Saved, isOnScreen: () => boolean): Promise<void> {
  button.disabled = true;
  tell('The service writes it …');
  try {
    const format = button.dataset.format as ReportFormat;
    offer(await reportOf(saved, format), saved.file.name.replace(/\.[^.]*$/, '') + endings[format]);
    if (isOnScreen()) tell('Saved.');
  } catch (error) {
    tell(failureOf(error).message);
  } finally {
    button.disabled = false;
    // Only a button that was disabled under the focus leaves it nowhere.
    if (document.activeElement === document.body) button.focus({ preventScroll: true });
  }
}

/** The report by the model that scored what is on screen. */
async function reportOf({ file, fields, model }: Saved, format: ReportFormat): Promise<Blob> {
  const report = await fetchReport(file, fields, format);
  if (!(await fetchSuccessor(model))) return report;
  const message = 'Not saved: the service has taken up another model since this CSV was scored. Open it again.';
  throw new ServiceError({ message });
}

function isSame({ file, fields, model }: Saved, other: Saved | undefined): boolean {
  return file === other?.file && model === other.model && JSON.stringify(fields) === JSON.stringify(other.fields);
}

function tell(state: string): void {
  byId('save-state', HTMLElement).textContent = state;
}

function offer(report: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(report);
  link.download = name;
  link.click();
  // The browser needs it until it has begun to write.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
