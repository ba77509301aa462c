import { CurlDialog } from './curl-dialog.js';
import type { ModelDescription } from '../inference/metadata.js';
import type { ListedModel } from '../model-list.js';
import { byId } from './dom.js';
import { failureOf } from './failure.js';
import { count, measure } from './format.js';
import type { PackedScored } from './scored-csv.js';
import { type ChosenModel, fetchModel, fetchModels, fetchSample, fitsSample, scoreFile } from './service.js';
import { showFailure, showProgress } from './status.js';
import { saveOnClick } from './saving.js';
import { Workbench } from './workbench.js';

const SAMPLE_URL = new URL('sample.csv', document.baseURI).href;

interface Page {
  model: ChosenModel;
  workbench: Workbench;
  /** What was opened last, to be opened again with another model. */
  last?: { file: File; source?: string };
}

let underWay: AbortController | undefined;

/** Has a CSV scored and shows what came of it, in place of what was shown before. */
async function inspect(page: Page, open: () => File | Promise<File>, source?: string): Promise<void> {
  underWay?.abort();
  const controller = (underWay = new AbortController());
  const { signal } = controller;
  let name = 'The sample';
  showFailure(name);
  try {
    const file = await open();
    // Something else may have been opened meanwhile.
    signal.throwIfAborted();
    name = file.name;
    showProgress(name, { step: 'sending' });
    page.last = { file, source };
    page.workbench.open(file, await score(page, file, signal), source);
    byId('file-name', HTMLElement).focus();
  } catch (error) {
    if (!signal.aborted) fail(name, error);
  } finally {
    if (underWay === controller) showProgress(name);
  }
}

/** Has a CSV scored, once more where the service has taken up another model meanwhile. */
async function score(page: Page, file: File, signal: AbortSignal): Promise<PackedScored> {
  for (;;) {
    const { model } = page;
    const scored = await scoreFile(file, model, (progress) => showProgress(file.name, progress), signal);
    const now = await fetchModel(model.fields.model);
    signal.throwIfAborted();
    // Somebody may have chosen another one meanwhile.
    if (page.model !== model) continue;
    if (now.description.sha256 === model.description.sha256) return scored;
    use(page, now);
  }
}

function use(page: Page, model: ChosenModel): void {
  page.model = model;
  page.workbench.setModel(model);
  describe(model.description);
}

function fail(file: string, error: unknown): void {
  showFailure(file, failureOf(error));
}

function describe(model: ModelDescription): void {
  const { name, version, columns, window, provenance } = model;
  const trained = count(provenance.trainingPoints, 'normal point');
  // Where models can be chosen, their choice says which one.
  const isNamed = !byId('models', HTMLElement).hidden;
  byId('model', HTMLElement).textContent = isNamed
    ? `Trained on ${trained}`
    : `Model ${name} ${version}, trained on ${trained}`;
  byId('sample', HTMLElement).hidden = !fitsSample(columns.map((column) => column.name));
  const list = columns.map((column) => `“${column.name}”`).join(', ');
  const ranges =
    columns.length === 1
      ? ` The model has seen values from ${measure(columns[0].min)} to ${measure(columns[0].max)}.`
      : '';
  byId('wanted', HTMLElement).textContent =
    `Choose a CSV with the ${columns.length === 1 ? 'column' : 'columns'} ${list}, ` +
    `a row for each point, at least ${window} of them.${ranges}`;
}

function listenToChoices(page: Page): void {
  const input = byId('file', HTMLInputElement);
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    if (file) void inspect(page, () => file);
    // The same file chosen again is another choice.
    input.value = '';
  });
  byId('sample', HTMLButtonElement).addEventListener('click', () => void inspect(page, fetchSample, SAMPLE_URL));
  byId('cancel', HTMLButtonElement).addEventListener('click', () => {
    underWay?.abort();
    underWay = undefined;
    showProgress('');
    input.focus();
  });
  listenToDrops((file) => void inspect(page, () => file));
}

/** Where there are several models, lets people choose. */
function listenToModels(page: Page, models: ListedModel[]): void {
  if (models.length < 2) return;
  const select = byId('model-choice', HTMLSelectElement);
  const addresses = models.map(({ name, version }) => `${name}/${version}`);
  select.replaceChildren(...addresses.map((address) => new Option(address)));
  select.value = page.model.fields.model ?? '';
  byId('models', HTMLElement).hidden = false;
  select.addEventListener('change', () => {
    underWay?.abort();
    showProgress('');
    showFailure('');
    const chosen = select.value;
    fetchModel(chosen).then(
      (model) => {
        if (select.value !== chosen) return;
        use(page, model);
        const { last } = page;
        if (last) void inspect(page, () => last.file, last.source);
      },
      (error: unknown) => {
        if (select.value !== chosen) return;
        select.value = page.model.fields.model ?? '';
        fail('The model', error);
      },
    );
  });
}

function listenToDrops(onFile: (file: File) => void): void {
  const drop = byId('drop', HTMLElement);
  const carriesFile = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragover', (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    drop.hidden = false;
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) drop.hidden = true;
  });
  addEventListener('drop', (event) => {
    drop.hidden = true;
    if (!carriesFile(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) onFile(file);
  });
}

try {
  const models = await fetchModels();
  const byDefault = models.find(({ isDefault }) => isDefault);
  const model = await fetchModel(models.length > 1 && byDefault ? `${byDefault.name}/${byDefault.version}` : undefined);
  const page = { model, workbench: new Workbench(model) };
  listenToChoices(page);
  listenToModels(page, models);
  describe(model.description);
  const { workbench } = page;
  new CurlDialog(() => workbench.onScreen && { ...workbench.onScreen, file: workbench.onScreen.file.name });
  saveOnClick(() => workbench.onScreen);
} catch (error) {
  fail('The model', error);
}
