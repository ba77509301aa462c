import type { ReportFormat } from '../detection/report.js';
import { byId } from './dom.js';
import { failureOf } from './failure.js';
import { fetchReport } from './service.js';

const endings: Record<ReportFormat, string> = { csv: '.scored.csv', json: '.verdict.json', png: '.plot.png' };

/** What is to be saved. */
export interface Saved {
  file: File;
  fields: Record<string, string>;
}

/** Saves what the service answers for what is on screen, in the form of the button that is pressed. */
export function saveOnClick(onScreen: () => Saved | undefined): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-format]')) {
    button.addEventListener('click', () => {
      const saved = onScreen();
      if (saved) void save(button, saved);
    });
  }
}

async function save(button: HTMLButtonElement, { file, fields }: Saved): Promise<void> {
  const state = byId('save-state', HTMLElement);
  const format = button.dataset.format as ReportFormat;
  button.disabled = true;
  state.textContent = 'The service writes it …';
  try {
    const report = await fetchReport(file, fields, format);
    offer(report, file.name.replace(/\.[^.]*$/, '') + endings[format]);
    state.textContent = 'Saved.';
  } catch (error) {
    state.textContent = failureOf(error).message;
  } finally {
    button.disabled = false;
    button.focus();
  }
}

function offer(report: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(report);
  link.download = name;
  link.click();
  // The browser needs it until it has begun to write.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
