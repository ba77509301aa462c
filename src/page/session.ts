import type { ListedModel } from '../model-list.js';
import { offerChoices } from './choices.js';
import { CurlDialog } from './curl-dialog.js';
import { byId } from './dom.js';
import { failureOf } from './failure.js';
import { ModelChoice, describeModel } from './model-bar.js';
import { saveOnClick } from './saving.js';
import type { PackedScored } from './scored-csv.js';
import { type ChosenModel, fetchModel, fetchModels, fetchSample, fetchSuccessor, scoreFile } from './service.js';
import { hideFailure, hideProgress, showFailure, showProgress } from './status.js';
import { UnderWay } from './under-way.js';
import { Workbench } from './workbench.js';

/** A CSV that was chosen; without a file it is the sample, which the service has. */
export interface Choice {
  name: string;
  file?: File;
  /** Where others can have it from, if that is known. */
  source?: string;
}

/** What there is once the service has answered. */
interface Desk {
  model: ChosenModel;
  workbench: Workbench;
}

/** A visit to the page: CSVs are chosen, and opened by the model at hand as soon as there is one. */
export class Session {
  private readonly underWay = new UnderWay();
  private readonly modelChoice = new ModelChoice();
  private desk?: Desk;
  /** What was chosen last, to be opened once there is a model, and again with another. */
  private last?: Choice;

  /** Asks the service what it has, and again where people wish so after it failed. */
  async start(): Promise<void> {
    try {
      const models = await fetchModels();
      const byDefault = models.find(({ isDefault }) => isDefault);
      const address = models.length > 1 && byDefault ? `${byDefault.name}/${byDefault.version}` : undefined;
      this.begin(models, await fetchModel(address));
    } catch (error) {
      this.underWay.end();
      hideProgress();
      offerChoices(false);
      showFailure('The service cannot be used now', failureOf(error), () => void this.start());
    }
  }

  /** Opens a CSV in place of what is on screen. */
  async open(choice: Choice): Promise<void> {
    const { desk } = this;
    const signal = this.underWay.begin();
    this.last = choice;
    hideFailure();
    showProgress(choice.name, { step: choice.file ? 'waiting' : 'fetching' });
    // Once there is a model, start() comes back to what was chosen last.
    if (!desk) return;
    try {
      const file = choice.file ?? (await fetchSample(signal));
      signal.throwIfAborted();
      this.last = { ...choice, file };
      desk.workbench.open(file, await this.score(desk, file, signal), choice.source);
      byId('file-name', HTMLElement).focus();
    } catch (error) {
      if (!signal.aborted) showFailure(`${choice.name} could not be checked`, failureOf(error));
    } finally {
      if (!signal.aborted) hideProgress();
    }
  }

  /** Leaves what is on screen as it is. */
  cancel(): void {
    this.underWay.end();
    hideProgress();
    const onScreen = this.desk?.workbench.onScreen;
    this.last = onScreen && { name: onScreen.file.name, file: onScreen.file, source: onScreen.source };
  }

  private begin(models: ListedModel[], model: ChosenModel): void {
    const workbench = new Workbench(model);
    const desk = (this.desk = { model, workbench });
    if (models.length > 1) {
      this.modelChoice.offer(models, model.fields.model, (address) => void this.changeModel(desk, address));
    }
    describeModel(model.description);
    new CurlDialog(() => workbench.onScreen && { ...workbench.onScreen, file: workbench.onScreen.file.name });
    saveOnClick(() => workbench.onScreen);
    hideFailure();
    offerChoices(true);
    if (this.last) void this.open(this.last);
  }

  /** Has a CSV scored, once more where the service has taken up another model meanwhile. */
  private async score(desk: Desk, file: File, signal: AbortSignal): Promise<PackedScored> {
    for (;;) {
      const onProgress: Parameters<typeof scoreFile>[2] = (progress) => showProgress(file.name, progress);
      const scored = await scoreFile(file, desk.model, onProgress, signal);
      const successor = await fetchSuccessor(desk.model);
      signal.throwIfAborted();
      if (!successor) return scored;
      this.use(desk, successor);
    }
  }

  private async changeModel(desk: Desk, address: string): Promise<void> {
    this.underWay.end();
    hideProgress();
    hideFailure();
    try {
      const model = await fetchModel(address);
      if (this.modelChoice.chosen !== address) return;
      this.use(desk, model);
      if (this.last) void this.open(this.last);
    } catch (error) {
      if (this.modelChoice.chosen !== address) return;
      this.modelChoice.chosen = desk.model.fields.model;
      showFailure(`The model ${address} could not be taken`, failureOf(error));
    }
  }

  private use(desk: Desk, model: ChosenModel): void {
    desk.model = model;
    desk.workbench.setModel(model);
    describeModel(model.description);
  }
}
