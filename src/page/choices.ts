import { byId } from './dom.js';

/** Tells which files are chosen or dropped; one that was chosen before anybody listened counts. */
export function listenToFiles(onFile: (file: File) => void): void {
  const input = byId('file', HTMLInputElement);
  const take = () => {
    const [file] = input.files ?? [];
    // The same file chosen again is another choice.
    input.value = '';
    if (file) onFile(file);
  };
  input.addEventListener('change', take);
  listenToDrops(onFile);
  take();
}

/** Offers to choose a CSV, or leaves no way to. */
export function offerChoices(isOffered: boolean): void {
  const section = byId('choose', HTMLElement);
  const isBack = section.hidden && isOffered;
  section.hidden = !isOffered;
  // What had the focus until now has gone.
  if (isBack) byId('file', HTMLInputElement).focus();
}

function listenToDrops(onFile: (file: File) => void): void {
  const drop = byId('drop', HTMLElement);
  const carriesFile = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false;
  const isOffered = () => !byId('choose', HTMLElement).hidden;
  addEventListener('dragover', (event) => {
    if (!carriesFile(event)) return;
    // Else the browser would leave the page for the file.
    event.preventDefault();
    drop.hidden = !isOffered();
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) drop.hidden = true;
  });
  addEventListener('drop', (event) => {
    drop.hidden = true;
    if (!carriesFile(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file && isOffered()) onFile(file);
  });
}
