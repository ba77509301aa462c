import type { Anomaly } from '../detection/verdict.js';
import { byId, make } from './dom.js';
import { count, integer, measure, percent } from './format.js';

// More are no longer read, and would slow the page down.
const MOST_ROWS = 200;

/** The list of flagged intervals, each of which leads to its place in the chart. */
export class IntervalTable {
  private readonly body = byId('intervals', HTMLElement);
  private readonly note = byId('intervals-note', HTMLElement);
  private readonly order = byId('order', HTMLSelectElement);
  private anomalies: readonly Anomaly[] = [];
  private chosen?: Anomaly;

  constructor(private readonly onPick: (anomaly: Anomaly) => void) {
    this.order.addEventListener('change', () => this.fill());
  }

  /** Shows other intervals. */
  show(anomalies: readonly Anomaly[], chosen?: Anomaly): void {
    this.anomalies = anomalies;
    this.chosen = chosen;
    this.fill();
  }

  private fill(): void {
    const byScore = this.order.value === 'score';
    const sorted = byScore ? this.anomalies.toSorted((a, b) => b.score - a.score) : this.anomalies;
    const focused = [...this.body.children].findIndex((row) => row.contains(document.activeElement));
    const rows = sorted.slice(0, MOST_ROWS).map((anomaly) => this.row(anomaly));
    this.body.replaceChildren(...rows);
    rows[focused]?.querySelector('button')?.focus();
    const left = sorted.length - rows.length;
    this.note.textContent =
      sorted.length === 0
        ? 'No interval is flagged: nothing lies above the threshold.'
        : left > 0
          ? `And ${count(left, 'more interval')}, which a higher percentile would not flag.`
          : '';
  }

  private row(anomaly: Anomaly): HTMLElement {
    const { start, end, score, rank, deviation, columns } = anomaly;
    const button = make('button', '', nameOf(anomaly));
    button.type = 'button';
    button.addEventListener('click', () => this.onPick(anomaly));
    const head = make('th', '', button);
    head.scope = 'row';
    const blame = columns.map(({ column, share }) =>
      columns.length > 1 ? `${column} ${percent(round(share))}` : column,
    );
    const row = make(
      'tr',
      '',
      head,
      make('td', 'number', integer(end - start + 1)),
      make('td', 'number', measure(score)),
      make('td', '', deviationText(deviation)),
      make('td', '', blame.length > 0 ? blame.slice(0, 3).join(', ') : 'asking the service …'),
      make('td', '', rank === 1 ? 'all normal errors' : `${percent(rank)} of normal errors`),
    );
    if (start === this.chosen?.start) row.setAttribute('aria-current', 'true');
    return row;
  }
}

/** An interval by its timestamps, where it has any, else by its points. */
export function nameOf({ start, end, startTimestamp, endTimestamp }: Anomaly): string {
  if (startTimestamp !== undefined) return `${startTimestamp} to ${endTimestamp}`;
  return start === end ? integer(start) : `${integer(start)} to ${integer(end)}`;
}

function deviationText(deviation: number): string {
  if (Number.isNaN(deviation)) return '…';
  return `${measure(Math.abs(deviation))} ${deviation < 0 ? 'below' : 'above'}`;
}

function round(share: number): number {
  return Math.round(share * 100) / 100;
}
