import { byId, make, turnOn } from './dom.js';
import { bytes, count, integer, percent } from './format.js';
import { nameOf } from './interval-table.js';
import type { Anomaly } from '../detection/interval.js';
import type { Verdict } from '../detection/verdict.js';
import type { Scored } from './rejudge.js';
import { type View, pointsIn, showsAll, showsLeast } from './view.js';

const SPEAK_MILLISECONDS = 700;
const MOST_NAMED = 3;

/** Says in words what is on screen. */
export class Narrator {
  private readonly summary = byId('summary', HTMLElement);
  private readonly range = byId('range', HTMLElement);
  private readonly spoken = byId('spoken', HTMLElement);
  private speaking?: ReturnType<typeof setTimeout>;
  private scored?: Scored;
  private view?: View;
  /** Where the cursor is, in place of the stretch on screen. */
  private cursor?: string;

  /** What the verdict comes to; once it rests, those who do not see it are told. */
  tellSummary({ size }: File, { length }: Scored, { anomalousPoints, anomalies }: Verdict): void {
    const share = percent(anomalousPoints / length);
    this.summary.replaceChildren(
      make('strong', anomalies.length > 0 ? 'alarm' : '', count(anomalies.length, 'flagged interval')),
      ` with ${integer(anomalousPoints)} of ${count(length, 'point')} (${share}), ${bytes(size)}`,
    );
    for (const id of ['next', 'previous']) turnOn(byId(id, HTMLButtonElement), anomalies.length > 0);
    // The slider says by itself what it comes to; what was said before holds no longer.
    if (document.activeElement === byId('slider', HTMLElement)) this.hush();
    else this.speak(() => this.summary.textContent);
  }

  /** Which stretch is shown; once it rests, those who do not see the chart are told what lies in it. */
  tellView(view: View, scored: Scored, verdict: Verdict): void {
    const isMove = scored === this.scored && view !== this.view;
    this.scored = scored;
    this.view = view;
    this.showPlace();
    turnOn(byId('in', HTMLButtonElement), !showsLeast(view, scored.length));
    for (const id of ['out', 'all']) turnOn(byId(id, HTMLButtonElement), !showsAll(view, scored.length));
    if (isMove) this.speak(() => `${boundsOf(view, scored).join(' to ')}, ${intervalsText(view, scored, verdict)}`);
  }

  /** Which point the cursor is at; none where it is in no panel. */
  tellCursor(point?: number): void {
    const { scored } = this;
    if (point === undefined || !scored) this.cursor = undefined;
    else this.cursor = scored.times ? `At ${scored.times.name(point)}` : `Point ${integer(point)}`;
    this.showPlace();
  }

  private showPlace(): void {
    const { cursor, view, scored, range } = this;
    if (!view || !scored) return;
    if (cursor !== undefined) {
      range.textContent = cursor;
      range.title = '';
      return;
    }
    const [from, to] = boundsOf(view, scored);
    // A line may break between the two and nowhere else.
    range.replaceChildren(make('span', '', from), ' to ', make('span', '', to));
    range.title = rawBoundsOf(view, scored);
  }

  private speak(text: () => string | null): void {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => (this.spoken.textContent = text()), SPEAK_MILLISECONDS);
  }

  private hush(): void {
    clearTimeout(this.speaking);
    this.spoken.textContent = '';
  }
}

function nameOfPoint(point: number, { times }: Scored): string {
  return times?.name(point) ?? integer(point);
}

function boundsOf(view: View, scored: Scored): [from: string, to: string] {
  const [from, to] = pointsIn(view);
  return [`${scored.times ? '' : 'Points '}${nameOfPoint(from, scored)}`, nameOfPoint(to, scored)];
}

/** The same as it stands in the CSV, where that is something else. */
function rawBoundsOf(view: View, { times }: Scored): string {
  const [from, to] = pointsIn(view);
  return times && times.name(from) !== times.label(from) ? `${times.label(from)} to ${times.label(to)}` : '';
}

function intervalsText(view: View, { times }: Scored, { anomalies }: Verdict): string {
  const [from, to] = pointsIn(view);
  const inView = anomalies.filter(({ start, end }) => end >= from && start <= to);
  const name = (anomaly: Anomaly) => {
    const { start, end } = anomaly;
    return nameOf(times ? { ...anomaly, startTimestamp: times.name(start), endTimestamp: times.name(end) } : anomaly);
  };
  const names = inView.length > 0 && inView.length <= MOST_NAMED ? `: ${inView.map(name).join('; ')}` : '';
  return `${count(inView.length, 'flagged interval')}${names}`;
}
