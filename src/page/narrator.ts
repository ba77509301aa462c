import { byId, make } from './dom.js';
import { bytes, count, integer, percent } from './format.js';
import { nameOf } from './interval-table.js';
import type { Verdict } from '../detection/verdict.js';
import type { Scored } from './rejudge.js';
import { type View, showsAll } from './view.js';

const SPEAK_MILLISECONDS = 700;

/** Says in words what is on screen. */
export class Narrator {
  private speaking?: ReturnType<typeof setTimeout>;

  /** What the verdict comes to. */
  tellSummary({ size }: File, { length }: Scored, { anomalousPoints, anomalies }: Verdict): void {
    const share = percent(anomalousPoints / length);
    byId('summary', HTMLElement).replaceChildren(
      make('strong', '', count(anomalies.length, 'flagged interval')),
      ` with ${integer(anomalousPoints)} of ${count(length, 'point')} (${share}), ${bytes(size)}`,
    );
    for (const id of ['next', 'previous']) byId(id, HTMLButtonElement).disabled = anomalies.length === 0;
  }

  /** Which stretch is shown; once it rests, those who do not see the chart are told what lies in it. */
  tellView(view: View, { length, times }: Scored, verdict: Verdict): void {
    const [from, to] = [Math.ceil(view.from), Math.floor(view.to)];
    const name = (point: number) => times?.label(point) ?? integer(point);
    const text = `${times ? '' : 'Points '}${name(from)} to ${name(to)}`;
    byId('range', HTMLElement).textContent = text;
    const isWhole = showsAll(view, length);
    for (const id of ['out', 'all']) byId(id, HTMLButtonElement).disabled = isWhole;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      const inView = verdict.anomalies.filter(({ start, end }) => end >= from && start <= to);
      const names = inView.length > 0 && inView.length <= 3 ? `: ${inView.map(nameOf).join('; ')}` : '';
      byId('spoken', HTMLElement).textContent = `${text}, ${count(inView.length, 'flagged interval')}${names}`;
    }, SPEAK_MILLISECONDS);
  }
}
