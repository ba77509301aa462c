import { detectOptions, parseOptions } from '../detection/options.js';
import { type Verdict, verdictDefaults, type VerdictOptions } from '../detection/verdict.js';
import type { ModelDescription } from '../inference/metadata.js';
import { byId, make } from './dom.js';
import { integer, measure } from './format.js';

/** The options on screen. */
export interface ChosenOptions {
  /** As the form's fields of `/compute`: percentile, margin, and what is not as it is without a word. */
  fields: Record<string, string>;
  options: VerdictOptions;
}

const DEFAULTS = {
  reference: 'training',
  detectionDirection: 'both',
  minDeviation: '0',
  mergeGap: '0',
  missing: 'ignore',
};
const SCALE = [0, 90, 99, 99.9, 100];
/** The percentiles whose counts are always shown. */
export const shownPercentiles = [90, 95, 99, 99.5, 99.9, 99.99, 100];

/** The form with the threshold and all other options. */
export class OptionsForm {
  private readonly form = byId('options', HTMLFormElement);
  private readonly percentile = byId('percentile', HTMLInputElement);
  private readonly slider = byId('slider', HTMLInputElement);
  private readonly error = byId('option-error', HTMLElement);
  private readonly counts = byId('counts', HTMLElement);
  private model!: ModelDescription;
  private steps: number[] = [];
  private last!: ChosenOptions;

  /** @param onChange called at each change to something that is right */
  constructor(
    model: ModelDescription,
    private readonly onChange: (chosen: ChosenOptions) => void,
  ) {
    for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
      byId(`${name}-help`, HTMLElement).textContent = detectOptions[name].meaning.replaceAll('`', '');
    }
    this.setModel(model);
    this.slider.addEventListener('input', () => this.choosePercentile(this.steps[this.slider.valueAsNumber]));
    this.form.addEventListener('input', ({ target }) => {
      if (target === this.control('reference')) this.followReference();
      if (target !== this.slider) this.take();
    });
    this.form.addEventListener('submit', (event) => event.preventDefault());
    byId('defaults', HTMLButtonElement).addEventListener('click', () => {
      this.fillIn();
      this.take();
    });
  }

  /** Goes on with another model and its defaults. */
  setModel(model: ModelDescription): void {
    this.dropComplaint();
    this.model = model;
    this.steps = model.calibration.percentiles;
    this.slider.max = `${this.steps.length - 1}`;
    this.writeScale();
    this.fillIn();
    this.last = this.read();
  }

  /** What is chosen; where something is wrong, what was chosen before. */
  get chosen(): ChosenOptions {
    return this.last;
  }

  /** Says what the choice comes to. */
  showVerdict({ threshold, percentile, margin, anomalousPoints, anomalies }: Verdict): void {
    const normal = measure(threshold / margin);
    byId('threshold', HTMLElement).textContent =
      `A point is flagged where its error is above ${measure(threshold)}: ${measure(margin)} times ${normal}, ` +
      `which ${percentile} % of the normal errors do not exceed.`;
    this.slider.setAttribute(
      'aria-valuetext',
      `${percentile}: ${integer(anomalousPoints)} points in ${integer(anomalies.length)} intervals`,
    );
    for (const row of this.counts.children) {
      row.setAttribute('aria-current', `${Number((row as HTMLElement).dataset.percentile) === percentile}`);
    }
  }

  /** Says what the shown percentiles would flag; without a verdict that it is not known yet. */
  showCounts(verdicts: (Pick<Verdict, 'anomalousPoints' | 'anomalies'> | undefined)[]): void {
    const { percentile: current } = this.last.options;
    const rows = shownPercentiles.map((percentile, i) => {
      const button = make('button', '', `${percentile}`);
      button.type = 'button';
      button.addEventListener('click', () => this.choosePercentile(percentile));
      const head = make('th', '', button);
      head.scope = 'row';
      const { anomalousPoints, anomalies } = verdicts[i] ?? {};
      const cells = [anomalousPoints, anomalies?.length].map((n) => make('td', '', n === undefined ? '…' : integer(n)));
      const row = make('tr', '', head, ...cells);
      row.dataset.percentile = `${percentile}`;
      row.setAttribute('aria-current', `${percentile === current}`);
      return row;
    });
    const focused = [...this.counts.children].findIndex((row) => row.contains(document.activeElement));
    this.counts.replaceChildren(...rows);
    rows[focused]?.querySelector('button')?.focus();
  }

  /** The percentiles beneath the slider, whose upper ones lie farther apart. */
  private writeScale(): void {
    const marks = SCALE.map((percentile) => {
      const mark = make('span', '', `${percentile}`);
      mark.style.left = `${(this.steps.findLastIndex((step) => step <= percentile) / (this.steps.length - 1)) * 100}%`;
      return mark;
    });
    byId('scale', HTMLElement).replaceChildren(...marks);
  }

  private choosePercentile(percentile: number): void {
    this.percentile.value = `${percentile}`;
    this.take();
  }

  /** Has the margin that nobody has changed be that of the reference chosen. */
  private followReference(): void {
    const margin = this.control('margin');
    if (Number(margin.value) !== verdictDefaults(this.model, this.last.options.reference).margin) return;
    const chosen = this.control('reference').value as VerdictOptions['reference'];
    margin.value = `${verdictDefaults(this.model, chosen).margin}`;
  }

  private fillIn(): void {
    const { percentile, margin } = this.model.defaults;
    const values = { ...DEFAULTS, percentile: `${percentile}`, margin: `${margin}` };
    for (const [name, value] of Object.entries(values)) this.control(name).value = value;
  }

  private take(): void {
    this.dropComplaint();
    try {
      this.last = this.read();
    } catch (error) {
      this.complain(error as Error);
      return;
    }
    this.onChange(this.last);
  }

  private read(): ChosenOptions {
    const all = [...new FormData(this.form)].map(
      ([name, value]) => [name, typeof value === 'string' ? value.trim() : ''] as const,
    );
    const said = all.filter(([name, value]) => DEFAULTS[name as keyof typeof DEFAULTS] !== value);
    const fields = Object.fromEntries(said);
    const options = parseOptions(Object.fromEntries(all));
    this.slider.value = `${this.steps.findLastIndex((step) => step <= (options.percentile ?? 0))}`;
    return { fields, options };
  }

  private dropComplaint(): void {
    for (const control of this.form.elements) control.removeAttribute('aria-invalid');
    this.error.hidden = true;
  }

  private complain({ message }: Error): void {
    this.error.textContent = message;
    this.error.hidden = false;
    const name = /^Parameter (\w+)/.exec(message)?.[1];
    if (name) this.control(name).setAttribute('aria-invalid', 'true');
  }

  private control(name: string): HTMLInputElement | HTMLSelectElement {
    return this.form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;
  }
}
