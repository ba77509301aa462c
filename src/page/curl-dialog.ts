import type { ReportFormat } from '../detection/report.js';
import { type Command, curlCommand } from './curl.js';
import { byId } from './dom.js';

/** The dialog with the command that gives what is on screen. */
export class CurlDialog {
  private readonly dialog = byId('curl', HTMLDialogElement);
  private readonly format = byId('curl-format', HTMLSelectElement);
  private readonly command = byId('command', HTMLElement);
  private readonly place = byId('curl-place', HTMLElement);
  private readonly copied = byId('copied', HTMLElement);

  /** @param onScreen what is on screen when the dialog is opened */
  constructor(private readonly onScreen: () => Omit<Command, 'format'> | undefined) {
    byId('show-curl', HTMLButtonElement).addEventListener('click', () => {
      this.write();
      this.dialog.showModal();
    });
    byId('close-curl', HTMLButtonElement).addEventListener('click', () => this.dialog.close());
    byId('copy', HTMLButtonElement).addEventListener('click', () => void this.copy());
    this.format.addEventListener('change', () => this.write());
  }

  private write(): void {
    const onScreen = this.onScreen();
    if (!onScreen) return;
    this.copied.textContent = '';
    const isOwn = onScreen.source === undefined;
    this.place.textContent = `For a POSIX shell${isOwn ? ', in the folder of the file' : '; it downloads the sample'}.`;
    this.command.textContent = curlCommand({ ...onScreen, format: this.format.value as ReportFormat });
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.command.textContent ?? '');
      this.copied.textContent = 'Copied.';
    } catch {
      // Browsers give the clipboard to pages over HTTPS and on localhost only.
      getSelection()?.selectAllChildren(this.command);
      this.copied.textContent = 'Selected: copy it with Ctrl+C.';
    }
  }
}
