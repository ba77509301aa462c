import type { Anomaly, ColumnShare } from '../detection/interval.js';
import { byId, make } from './dom.js';
import { count, integer, measure, percent } from './format.js';

// More at once are not read, and would slow the page down.
const ROWS_AT_ONCE = 100;
// What is left over is hardly to blame.
const LEAST_SHARE = 0.05;
const MOST_BLAMED = 3;
// A list that changes with each move of the slider cannot be read, and takes longer than all the rest.
const REST_MILLISECONDS = 100;

/** The list of flagged intervals, each of which leads to its place in the chart. */
export class IntervalTable {
  private readonly body = byId('intervals', HTMLElement);
  private readonly note = byId('intervals-note', HTMLElement);
  private readonly order = byId('order', HTMLSelectElement);
  private readonly more = byId('more-intervals', HTMLButtonElement);
  private readonly scroller = byId('intervals-scroll', HTMLElement);
  private mostRows = ROWS_AT_ONCE;
  private anomalies: readonly Anomaly[] = [];
  private chosen?: Anomaly;
  private isStale = false;
  /** Whether another interval was chosen since the list was filled. */
  private isMoved = false;
  private resting?: ReturnType<typeof setTimeout>;

  constructor(private readonly onPick: (anomaly: Anomaly) => void) {
    this.order.addEventListener('change', () => {
      this.fill();
      this.reveal();
    });
    this.more.addEventListener('click', () => this.showMore());
  }

  /** Begins anew with a series of `width` columns. */
  begin(width: number): void {
    this.mostRows = ROWS_AT_ONCE;
    // Of one column it is plain that it is to blame.
    this.body.parentElement?.classList.toggle('one-column', width === 1);
  }

  /** Shows other intervals. */
  show(anomalies: readonly Anomaly[], chosen?: Anomaly): void {
    this.isMoved ||= chosen !== undefined && chosen.start !== this.chosen?.start;
    this.anomalies = anomalies;
    this.chosen = chosen;
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
    const shown = this.shown();
    const focused = [...this.body.children].findIndex((row) => row.contains(document.activeElement));
    this.body.replaceChildren(...shown.map((anomaly) => this.row(anomaly)));
    this.focus(focused);
    this.tellRest(this.anomalies.length - shown.length);
    if (this.isMoved) this.reveal();
    this.isMoved = false;
  }

  /** The first intervals in the order that is wanted, and the chosen one wherever it stands. */
  private shown(): Anomaly[] {
    const byScore = this.order.value === 'score';
    const sorted = byScore ? this.anomalies.toSorted((a, b) => b.score - a.score) : this.anomalies;
    return sorted.filter((anomaly, i) => i < this.mostRows || this.isChosen(anomaly));
  }

  private isChosen({ start }: Anomaly): boolean {
    return start === this.chosen?.start;
  }

  private tellRest(left: number): void {
    this.more.hidden = left === 0;
    this.more.textContent = `Show ${Math.min(left, ROWS_AT_ONCE)} more`;
    if (left > 0) this.note.textContent = `And ${count(left, 'more interval')}: the chart shows all.`;
    else this.note.textContent = this.anomalies.length === 0 ? 'No interval is flagged.' : '';
  }

  private showMore(): void {
    const first = this.mostRows;
    this.mostRows += ROWS_AT_ONCE;
    this.fill();
    this.focus(first);
    this.reveal(this.body.children[first]);
  }

  private focus(row: number): void {
    this.body.children[row]?.querySelector('button')?.focus({ preventScroll: true });
  }

  /** Scrolls the list to a row, without one to the current, and leaves the page where it is. */
  private reveal(row = this.body.querySelector('[aria-current]')): void {
    if (!row) return;
    const head = this.body.parentElement?.querySelector('thead')?.offsetHeight ?? 0;
    const [inner, outer] = [row.getBoundingClientRect(), this.scroller.getBoundingClientRect()];
    const above = outer.top + head - inner.top;
    const below = inner.bottom - (outer.top + this.scroller.clientHeight);
    if (above > 0) this.scroller.scrollTop -= above;
    else if (below > 0) this.scroller.scrollTop += below;
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
    if (this.isChosen(anomaly)) row.setAttribute('aria-current', 'true');
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
    .map(({ column, share }) => `${column} ${Math.round(share * 100)}\u00a0%`)
    .join(', ');
}

function deviationText(deviation: number): string {
  return `${measure(Math.abs(deviation))} ${deviation < 0 ? 'below' : 'above'}`;
}
