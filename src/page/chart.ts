import type uPlot from 'uplot';
import { type Anomaly, scoreOf } from '../detection/interval.js';
import { AxisWidth } from './axis-width.js';
import { type Run, runsOf } from './bands.js';
import { measure } from './format.js';
import type { Motions, Movable } from './gestures.js';
import { Overview } from './overview.js';
import { Panel } from './panel.js';
import { pyramidOf } from './pyramid.js';
import type { Verdict } from '../detection/verdict.js';
import type { Scored } from './rejudge.js';
import { drawBands, drawGaps, drawMissing, drawThreshold, THINNEST_BAND } from './marks.js';
import { errorOfScoreOne, scoreAxis } from './score-axis.js';
import { ticksOf } from '../detection/ticks.js';
import { type View, pan, showsAll, showsLeast, wholeOf, zoom } from './view.js';

/** What the chart tells. */
export interface ChartEvents {
  onView: (view: View) => void;
  /** The cursor is at a point, or at none. */
  onCursor: (point?: number) => void;
  /** A flagged interval was clicked. */
  onPick: (anomaly: Anomaly) => void;
  /** The reader wants the next (1) or the previous (-1) interval. */
  onStep: (direction: 1 | -1) => void;
}

const ONLY_PANEL = 260;
const SHARED_PANEL = 130;
const SCORE_PANEL = 120;
const FLAGGED_KEY: [string, string] = ['flagged', 'band'];
const MISSING_KEY: [string, string] = ['missing', 'missing'];
const GAP_KEY: [string, string] = ['gap', 'gap'];
const THRESHOLD_KEY: [string, string][] = [['threshold', 'threshold']];

/** The series, what was expected, the flagged intervals, and beneath them score and threshold. */
export class Chart implements Movable {
  private readonly axisWidth = new AxisWidth(() => this.show(this.current));
  private readonly panels: Panel[] = [];
  private readonly missing: Run[];
  /** The points before which time passed. */
  private readonly gaps: Run[];
  private readonly overview: Overview;
  private readonly resizing: ResizeObserver;
  private current: View;
  private chosen?: Anomaly;
  private dragged?: number;
  private frame = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly scored: Scored,
    /** The columns that have a panel, by their place. */
    readonly drawn: readonly number[],
    private verdict: Verdict,
    private readonly events: ChartEvents,
    view?: View,
  ) {
    this.missing = runsOf(scored.missing);
    this.gaps = gapsOf(scored);
    this.current = view ?? wholeOf(scored.length);
    this.panels = this.makePanels();
    const [first] = this.panels;
    this.overview = new Overview(scored.length, first.options.lines[1].pyramid, (centre) => this.centreOn(centre));
    root.replaceChildren(...this.panels.map(({ element }) => element), this.overview.element);
    this.overview.setVerdict(verdict.anomalies);
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(root);
    this.resize();
  }

  /** The stretch on screen. */
  get view(): View {
    return this.current;
  }

  /** Moves to a stretch. */
  show(view: View): void {
    this.current = view;
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  /** Draws another verdict on the same series. */
  setVerdict(verdict: Verdict, chosen?: Anomaly): void {
    this.verdict = verdict;
    this.chosen = chosen;
    this.overview.setVerdict(verdict.anomalies);
    this.show(this.current);
  }

  /** Draws all again, in the colours of now. */
  redraw(): void {
    this.overview.draw();
    this.show(this.current);
  }

  /** Ends the chart. */
  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.resizing.disconnect();
    this.events.onCursor();
    for (const { plot } of this.panels) plot.destroy();
    this.root.replaceChildren();
  }

  /** What moves the chart, for keys, wheels and buttons. */
  readonly motions: Motions = {
    zoom: (factor, share) => {
      const { from, to } = this.current;
      this.show(zoom(this.current, factor, from + share * (to - from), this.scored.length));
    },
    pan: (share) => {
      const { length } = this.scored;
      const points = share * (this.current.to - this.current.from);
      this.show(pan(this.current, Math.min(Math.max(points, -length), length), length));
    },
    showAll: () => this.show(wholeOf(this.scored.length)),
    step: (direction) => this.events.onStep(direction),
    showsAll: () => showsAll(this.current, this.scored.length),
    showsLeast: () => showsLeast(this.current, this.scored.length),
  };

  /** Where the lines are drawn on screen. */
  readonly plotArea = (): DOMRect => this.panels[0].plot.over.getBoundingClientRect();

  /** Takes the cursor away. */
  readonly dropCursor = (): void => {
    for (const { plot } of this.panels) plot.setCursor({ left: -1, top: -1 });
  };

  private makePanels(): Panel[] {
    const { columns, times, values, expected } = this.scored;
    const { drawn } = this;
    const shared = {
      axisWidth: this.axisWidth,
      ticks: (from: number, to: number, most: number) => ticksOf(from, to, most, times?.seconds),
      under: (plot: uPlot) => this.drawUnder(plot),
      onSelect: ({ from, to }: View) => this.select(from, to),
      onPress: (event: MouseEvent) => this.press(event),
      // They have one cursor.
      onCursor: (point?: number) => this.events.onCursor(point),
    };
    const series = drawn.map((j) => ({
      ...{ height: drawn.length === 1 ? ONLY_PANEL : SHARED_PANEL, labelled: false },
      keys: j === drawn[0] ? this.keys() : [],
      lines: [
        { name: 'expected', colour: 'expected' as const, pyramid: pyramidOf(expected, columns.length, j) },
        { name: columns[j], colour: 'series' as const, pyramid: pyramidOf(values, columns.length, j) },
      ],
    }));
    const score = {
      ...{ height: SCORE_PANEL, labelled: true, keys: THRESHOLD_KEY },
      lines: [
        {
          name: 'score',
          colour: 'score' as const,
          pyramid: pyramidOf(this.scored.error),
          read: (error: number) => measure(scoreOf(error, this.verdict.threshold)),
        },
      ],
      scale: scoreAxis(this.scored.calibration, () => this.verdict.threshold),
      over: (plot: uPlot) => drawThreshold(plot, errorOfScoreOne(this.verdict.threshold)),
    };
    const panels = [...series, score].map((options) => new Panel({ ...options, ...shared }, this.root.clientWidth));
    for (const { plot } of panels) plot.over.addEventListener('click', (event) => this.pick(plot, event));
    return panels;
  }

  private keys(): [string, string][] {
    const { missing, gaps } = this;
    return [FLAGGED_KEY, ...(missing.length > 0 ? [MISSING_KEY] : []), ...(gaps.length > 0 ? [GAP_KEY] : [])];
  }

  private drawUnder(plot: uPlot): void {
    drawBands(plot, this.verdict.anomalies, this.chosen);
    drawMissing(plot, this.missing);
    drawGaps(plot, this.gaps);
  }

  private resize(): void {
    const width = this.root.clientWidth;
    if (width === 0) return;
    for (const { plot } of this.panels) plot.setSize({ width, height: plot.height });
    this.overview.resize();
    this.show(this.current);
  }

  private draw(): void {
    this.frame = 0;
    this.alignToAxis();
    for (const panel of this.panels) panel.show(this.current);
    this.overview.show(this.current);
    this.events.onView(this.current);
  }

  /** Has what stands above and beneath the panels begin where their lines do. */
  private alignToAxis(): void {
    const width = `${this.axisWidth.pixels}px`;
    if (this.root.style.getPropertyValue('--axis') === width) return;
    this.root.style.setProperty('--axis', width);
    this.overview.resize();
  }

  private select(from: number, to: number): void {
    const { from: left, to: right } = this.current;
    const factor = (to - from) / (right - left);
    if (factor >= 1) return;
    // Zooming keeps a point where it is: this one lies at the same share of both stretches.
    this.show(zoom(this.current, factor, (from - left * factor) / (1 - factor), this.scored.length));
  }

  /** With the shift key the mouse drags the series along. */
  private press(event: MouseEvent): boolean {
    if (!event.shiftKey || event.button !== 0) return false;
    this.dragged = event.clientX;
    const { width } = this.plotArea();
    const move = ({ clientX }: MouseEvent) => {
      this.motions.pan(((this.dragged ?? clientX) - clientX) / width);
      this.dragged = clientX;
    };
    addEventListener('mousemove', move);
    addEventListener('mouseup', () => removeEventListener('mousemove', move), { once: true });
    return true;
  }

  private pick(plot: uPlot, { offsetX, shiftKey }: MouseEvent): void {
    if (shiftKey) return;
    const near = plot.posToVal(THINNEST_BAND, 'x') - plot.posToVal(0, 'x');
    const point = plot.posToVal(offsetX, 'x');
    const found = this.verdict.anomalies.find(({ start, end }) => start - near <= point && point <= end + near);
    if (found) this.events.onPick(found);
  }

  private centreOn(point: number): void {
    const { from, to } = this.current;
    this.show(pan(this.current, point - (from + to) / 2, this.scored.length));
  }
}

/** The points that follow a gap between timestamps, each on its own. */
function gapsOf({ gaps, missing }: Scored): Run[] {
  const found: Run[] = [];
  gaps.forEach((isGap, point) => {
    if (isGap && !missing[point]) found.push({ start: point, end: point });
  });
  return found;
}
