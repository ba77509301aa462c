import { AppError } from '../errors.js';
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
const THOUSANDS = /^[+-]?[1-9]\d{0,2}(,\d{3})+$/;
/** The percentiles whose counts are always shown. */
export const shownPercentiles = [90, 95, 99, 99.5, 99.9, 99.99, 100];

/**
 * A number as the service reads it, where it was written with a decimal comma.
 *
 * @param mayBeLarge whether a comma may set thousands apart: then what can be read both ways is left to be
 * complained of
 */
export function withDecimalPoint(text: string, mayBeLarge: boolean): string {
  return mayBeLarge && THOUSANDS.test(text) ? text : text.replace(/^([+-]?\d*),(\d+)$/, '$1.$2');
}

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
    this.accept(this.read());
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
    for (const row of this.counts.querySelectorAll('tr')) markCurrent(row, percentile);
  }

  /** Says what the shown percentiles would flag; without a verdict that it is not known yet. */
  showCounts(verdicts: (Pick<Verdict, 'anomalousPoints' | 'anomalies'> | undefined)[]): void {
    const { percentile: current } = this.last.options;
    const rows = shownPercentiles.map((percentile, i) => {
      const button = make('button', '', make('span', 'hidden', 'Percentile '), `${percentile}`);
      button.type = 'button';
      button.addEventListener('click', () => this.choosePercentile(percentile));
      const head = make('th', '', button);
      head.scope = 'row';
      const { anomalousPoints, anomalies } = verdicts[i] ?? {};
      const cells = [anomalousPoints, anomalies?.length].map((n) => make('td', '', n === undefined ? '…' : integer(n)));
      const row = make('tr', '', head, ...cells);
      row.dataset.percentile = `${percentile}`;
      markCurrent(row, current);
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
      this.accept(this.read());
    } catch (error) {
      this.complain(error as Error);
      return;
    }
    this.onChange(this.last);
  }

  private accept(chosen: ChosenOptions): void {
    this.last = chosen;
    const { percentile = 0 } = chosen.options;
    this.slider.value = `${this.steps.findLastIndex((step) => step <= percentile)}`;
  }

  private read(): ChosenOptions {
    const all = [...new FormData(this.form)].map(([name, value]) => {
      const text = typeof value === 'string' ? value.trim() : '';
      return [name, withDecimalPoint(text, name !== 'percentile')] as const;
    });
    const said = all.filter(([name, value]) => DEFAULTS[name as keyof typeof DEFAULTS] !== value);
    return { fields: Object.fromEntries(said), options: parseOptions(Object.fromEntries(all)) };
  }

  private dropComplaint(): void {
    for (const control of this.form.querySelectorAll('[aria-invalid]')) {
      control.removeAttribute('aria-invalid');
      control.removeAttribute('aria-errormessage');
      this.describe(control);
    }
    if (!this.error.hidden) this.error.hidden = true;
  }

  /** Says what is wrong beneath the field that it is wrong with. */
  private complain(error: Error): void {
    const { parameter, expected, received } = error instanceof AppError ? error.details : {};
    this.error.textContent = error.message;
    if (parameter !== undefined) {
      const control = this.control(parameter);
      const label = control.labels?.[0]?.textContent ?? parameter;
      this.error.textContent = `${label}: expected ${expected}, got ${received}.`;
      control.setAttribute('aria-invalid', 'true');
      control.setAttribute('aria-errormessage', this.error.id);
      this.describe(control, this.error.id);
      (control.closest('.pair') ?? control).after(this.error);
    }
    this.error.hidden = false;
  }

  /** Ties a control to its help, where it has some, and to what else is said of it. */
  private describe(control: Element, ...others: string[]): void {
    const help = document.getElementById(`${control.id}-help`);
    const ids = [...(help ? [help.id] : []), ...others];
    if (ids.length > 0) control.setAttribute('aria-describedby', ids.join(' '));
    else control.removeAttribute('aria-describedby');
  }

  private control(name: string): HTMLInputElement | HTMLSelectElement {
    return this.form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;
  }
}

function markCurrent(row: HTMLTableRowElement, percentile?: number): void {
  row.querySelector('button')?.setAttribute('aria-current', `${Number(row.dataset.percentile) === percentile}`);
}
