import { columnsToDraw } from '../detection/columns-to-draw.js';
import type { Anomaly } from '../detection/interval.js';
import type { Verdict } from '../detection/verdict.js';
import { Chart } from './chart.js';
import type { Command } from './curl.js';
import { byId, onPress } from './dom.js';
import { count } from './format.js';
import { listen } from './gestures.js';
import { IntervalTable } from './interval-table.js';
import { Narrator } from './narrator.js';
import { type ChosenOptions, OptionsForm, shownPercentiles } from './options-form.js';
import { type Scored, rejudge } from './rejudge.js';
import { type Saved, forgetSaved } from './saving.js';
import type { PackedScored } from './scored-csv.js';
import { type ChosenModel, computeUrl } from './service.js';
import { showWarnings } from './status.js';
import { onThemeChange } from './theme.js';
import { Times } from './times.js';
import { type View, around } from './view.js';

/** The title of the page with nothing on screen. */
const TITLE = document.title;

/** A CSV that was scored. */
interface Opened {
  file: File;
  scored: Scored;
  /** Where others can have it from, if that is known. */
  source?: string;
}

/** Everything that a scored CSV is looked at with: chart, options, list of intervals. */
export class Workbench {
  private readonly form: OptionsForm;
  private readonly table = new IntervalTable((anomaly) => this.goTo(anomaly));
  private readonly narrator = new Narrator();
  private opened?: Opened;
  private chart?: Chart;
  private verdict?: Verdict;
  private chosen?: Anomaly;
  private counted = '';

  constructor(private model: ChosenModel) {
    this.form = new OptionsForm(model.description, (chosen) => this.judge(chosen));
    const chart = byId('chart', HTMLElement);
    listen(chart, chart.closest('.stage') ?? chart, () => this.chart);
    onThemeChange(() => this.chart?.redraw());
    const buttons: Record<string, (chart: Chart) => void> = {
      previous: () => this.step(-1),
      next: () => this.step(1),
      out: ({ motions }) => motions.zoom(2, 0.5),
      in: ({ motions }) => motions.zoom(0.5, 0.5),
      all: ({ motions }) => motions.showAll(),
    };
    for (const [id, action] of Object.entries(buttons)) {
      onPress(byId(id, HTMLButtonElement), () => this.chart && action(this.chart));
    }
  }

  /** Goes on with another model, and so with nothing on screen. */
  setModel(model: ChosenModel): void {
    this.model = model;
    this.clear();
    this.opened = undefined;
    for (const id of ['opened', 'result']) byId(id, HTMLElement).hidden = true;
    document.body.classList.remove('has-result');
    document.title = TITLE;
    this.form.setModel(model.description);
  }

  /** Shows a scored CSV in place of the one before. */
  open(file: File, packed: PackedScored, source?: string): void {
    const { times, ...rest } = packed;
    const scored = { ...rest, ...(times && { times: new Times(times) }) };
    this.clear();
    this.opened = { file, scored, source };
    this.table.begin(scored.columns.length);
    byId('file-name', HTMLElement).textContent = file.name;
    for (const id of ['opened', 'result']) byId(id, HTMLElement).hidden = false;
    document.body.classList.add('has-result');
    document.title = `${file.name} – ${TITLE}`;
    this.judge(this.form.chosen);
  }

  /** What is on screen, as it can be asked for again. */
  get onScreen(): (Saved & Omit<Command, 'format' | 'file'>) | undefined {
    const { opened, model } = this;
    if (!opened) return undefined;
    const fields = { ...model.fields, ...this.form.chosen.fields };
    return { file: opened.file, source: opened.source, fields, model, url: computeUrl };
  }

  private clear(): void {
    this.chart?.destroy();
    this.chart = undefined;
    this.chosen = undefined;
    this.counted = '';
  }

  private judge({ options }: ChosenOptions): void {
    const { opened, model } = this;
    if (!opened) return;
    forgetSaved();
    this.showVerdict(rejudge(opened.scored, model.description, options));
    void this.countOthers(opened, options);
  }

  private showVerdict(verdict: Verdict): void {
    const { opened } = this;
    if (!opened) return;
    this.verdict = verdict;
    this.chosen = verdict.anomalies.find(
      ({ start, end }) => this.chosen && start <= this.chosen.peak && this.chosen.peak <= end,
    );
    this.chart = this.chartFor(opened.scored, verdict);
    this.chart.setVerdict(verdict, this.chosen);
    this.table.show(verdict.anomalies, this.chosen);
    this.form.showVerdict(verdict);
    showWarnings(verdict.warnings);
    this.narrator.tellSummary(opened.file, opened.scored, verdict);
  }

  /** The chart at hand, or another where other columns are to be shown. */
  private chartFor(scored: Scored, verdict: Verdict): Chart {
    const drawn = columnsToDraw(scored.columns, verdict.anomalies);
    const { chart } = this;
    if (chart?.drawn.join() === drawn.join()) return chart;
    chart?.destroy();
    const left = scored.columns.length - drawn.length;
    byId('columns-note', HTMLElement).textContent =
      left > 0 ? `${count(left, 'column')} more: shown are those that are blamed most.` : '';
    const events = {
      onView: (view: View) => this.verdict && this.narrator.tellView(view, scored, this.verdict),
      onCursor: (point?: number) => this.narrator.tellCursor(point),
      onPick: (anomaly: Anomaly) => this.choose(anomaly),
      onStep: (direction: 1 | -1) => this.step(direction),
    };
    return new Chart(byId('chart', HTMLElement), scored, drawn, verdict, events, chart?.view);
  }

  /** Counts what other percentiles would flag, one at a time, so that the page stays quick. */
  private async countOthers(opened: Opened, options: ChosenOptions['options']): Promise<void> {
    const wanted = JSON.stringify({ ...options, percentile: undefined });
    if (wanted === this.counted) return;
    this.counted = wanted;
    const verdicts: (Verdict | undefined)[] = shownPercentiles.map(() => undefined);
    this.form.showCounts(verdicts);
    for (const [i, percentile] of shownPercentiles.entries()) {
      await pause(0);
      if (this.counted !== wanted || this.opened !== opened) return;
      verdicts[i] = rejudge(opened.scored, this.model.description, { ...options, percentile });
    }
    this.form.showCounts(verdicts);
  }

  private goTo(anomaly: Anomaly): void {
    if (!this.opened) return;
    this.chart?.show(around(anomaly.start, anomaly.end, this.opened.scored.length));
    byId('chart', HTMLElement).scrollIntoView({ block: 'nearest' });
    this.choose(anomaly);
  }

  private choose(anomaly: Anomaly): void {
    this.chosen = anomaly;
    if (!this.verdict) return;
    this.chart?.setVerdict(this.verdict, anomaly);
    this.table.show(this.verdict.anomalies, anomaly);
  }

  /** To the next interval or the one before, from the one chosen or else among those on screen. */
  private step(direction: 1 | -1): void {
    const { chart, verdict } = this;
    if (!chart || !verdict) return;
    const place = this.chosen?.start ?? (direction > 0 ? chart.view.from - 1 : chart.view.to + 1);
    const { anomalies } = verdict;
    const next =
      direction > 0 ? anomalies.find(({ start }) => start > place) : anomalies.findLast(({ start }) => start < place);
    const wrapped = next ?? anomalies.at(direction > 0 ? 0 : -1);
    if (wrapped) this.goTo(wrapped);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
