import type { ModelDescription } from '../inference/metadata.js';
import type { ListedModel } from '../model-list.js';
import { byId } from './dom.js';
import { count, measure } from './format.js';
import { fitsSample } from './service.js';

/** The choice among several models, by their addresses. */
export class ModelChoice {
  private readonly select = byId('model-choice', HTMLSelectElement);

  /** Offers models, of which one is chosen. */
  offer(models: ListedModel[], chosen: string | undefined, onChoice: (address: string) => void): void {
    const addresses = models.map(({ name, version }) => `${name}/${version}`);
    this.select.replaceChildren(...addresses.map((address) => new Option(address)));
    this.chosen = chosen;
    byId('models', HTMLElement).hidden = false;
    this.select.addEventListener('change', () => onChoice(this.select.value));
  }

  get chosen(): string {
    return this.select.value;
  }

  set chosen(address: string | undefined) {
    this.select.value = address ?? '';
  }
}

/** Says what a model was trained on, and which CSVs it reads. */
export function describeModel({ name, version, columns, window, provenance }: ModelDescription): void {
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
