import type { Anomaly, ColumnShare } from '../detection/interval.js';
import { byId, make } from './dom.js';
import { count, integer, measure, percent } from './format.js';

// More are no longer read, and would slow the page down.
const MOST_ROWS = 100;
// A list that changes with each move of the slider cannot be read, and takes longer than all the rest.
// What is left over is hardly to blame.
const LEAST_SHARE = 0.05;
const MOST_BLAMED = 3;
const REST_MILLISECONDS = 100;

/** The list of flagged intervals, each of which leads to its place in the chart. */
export class IntervalTable {
  private readonly body = byId('intervals', HTMLElement);
  private readonly note = byId('intervals-note', HTMLElement);
  private readonly order = byId('order', HTMLSelectElement);
  private anomalies: readonly Anomaly[] = [];
  private chosen?: Anomaly;
  private isStale = false;
  private resting?: ReturnType<typeof setTimeout>;

  constructor(private readonly onPick: (anomaly: Anomaly) => void) {
    this.order.addEventListener('change', () => this.fill());
  }

  /** Shows other intervals. */
  show(anomalies: readonly Anomaly[], chosen?: Anomaly): void {
    this.anomalies = anomalies;
    this.chosen = chosen;
    // Of one column it is plain that it is to blame.
    this.body.parentElement?.classList.toggle('one-column', anomalies[0]?.columns.length === 1);
    this.isStale = true;
    if (!this.resting) this.fillUnlessResting();
  }

  private fillUnlessResting(): void {
    this.resting = undefined;
    if (!this.isStale) return;
    this.fill();
    this.resting = setTimeout(() => this.fillUnlessResting(), REST_MILLISECONDS);
  }

  private fill(): void {
    this.isStale = false;
    const byScore = this.order.value === 'score';
    const sorted = byScore ? this.anomalies.toSorted((a, b) => b.score - a.score) : this.anomalies;
    const focused = [...this.body.children].findIndex((row) => row.contains(document.activeElement));
    const rows = sorted.slice(0, MOST_ROWS).map((anomaly) => this.row(anomaly));
    this.body.replaceChildren(...rows);
    rows[focused]?.querySelector('button')?.focus();
    const left = sorted.length - rows.length;
    if (left > 0) this.note.textContent = `And ${count(left, 'more interval')}: the chart shows all.`;
    else this.note.textContent = sorted.length === 0 ? 'No interval is flagged.' : '';
  }

  private row(anomaly: Anomaly): HTMLElement {
    const { start, end, score, rank, deviation, columns } = anomaly;
    const [from, to] = boundsOf(anomaly);
    const button = make('button', '', make('span', '', from));
    // A line may break between the two and nowhere else.
    if (to !== undefined) button.append(' ', make('span', '', `to ${to}`));
    button.type = 'button';
    button.addEventListener('click', () => this.onPick(anomaly));
    const head = make('th', '', button);
    head.scope = 'row';
    const row = make(
      'tr',
      '',
      head,
      make('td', 'number', measure(score)),
      make('td', 'blame', blameText(columns)),
      make('td', '', deviationText(deviation)),
      make('td', 'number roomy', integer(end - start + 1)),
      make('td', 'roomy', rank === 1 ? 'all normal errors' : `${percent(rank)} of normal errors`),
    );
    if (start === this.chosen?.start) row.setAttribute('aria-current', 'true');
    return row;
  }
}

/** An interval by its timestamps, where it has any, else by its points. */
export function nameOf(anomaly: Anomaly): string {
  return boundsOf(anomaly)
    .filter((bound) => bound !== undefined)
    .join(' to ');
}

function boundsOf({ start, end, startTimestamp, endTimestamp }: Anomaly): [from: string, to?: string] {
  if (startTimestamp !== undefined) return [startTimestamp, endTimestamp];
  return start === end ? [integer(start)] : [integer(start), integer(end)];
}

function blameText(columns: ColumnShare[]): string {
  if (columns.length === 1) return columns[0].column;
  return columns
    .filter(({ share }, i) => i === 0 || share >= LEAST_SHARE)
    .slice(0, MOST_BLAMED)
    .map(({ column, share }) => `${column} ${Math.round(share * 100)} %`)
    .join(', ');
}

function deviationText(deviation: number): string {
  return `${measure(Math.abs(deviation))} ${deviation < 0 ? 'below' : 'above'}`;
}
