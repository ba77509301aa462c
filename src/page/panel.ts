import uPlot from 'uplot';
import { AXIS_FONT, type AxisWidth } from './axis-width.js';
import { make } from './dom.js';
import { reading, tickLabel } from './format.js';
import { type Pyramid, thin } from './pyramid.js';
import type { ErrorAxis } from './score-axis.js';
import { type Colour, colour } from './theme.js';
import type { Tick } from '../detection/ticks.js';
import type { View } from './view.js';

/** A line of a panel. */
export interface Line {
  name: string;
  colour: Colour;
  pyramid: Pyramid;
  /** What the reader is told of a point, where it is not its value as exact as the axis is. */
  read?: (value: number) => string;
}

/** What a panel shows and how it is scaled. */
export interface PanelOptions {
  /** What else is explained above it: words and the name of their key in the style sheet. */
  keys: [text: string, key: string][];
  height: number;
  /** The width of the y axis, which panels share. */
  axisWidth: AxisWidth;
  lines: Line[];
  /** The y axis; without it one that fits what is on screen. */
  scale?: ErrorAxis;
  /** Where ticks of the x axis are. */
  ticks: (from: number, to: number, most: number) => Tick[];
  /** Whether they are written beneath the panel. */
  labelled: boolean;
  /** Draws beneath the lines. */
  under: (plot: uPlot) => void;
  /** Draws above the lines. */
  over?: (plot: uPlot) => void;
  /** A stretch was chosen with the mouse. */
  onSelect: (view: View) => void;
  /** The cursor is at a point, or at none. */
  onCursor: (point?: number) => void;
  /** The mouse was pressed; tells whether that is all that is to be done. */
  onPress: (event: MouseEvent) => boolean;
}

const TICK_WIDTH = 90;
const TICKS_HEIGHT = 46;
const THINNEST = 0.75;
const FEW_POINTS = 2;
const SHORTEST_DRAG = 4;
// The library's types name it by an enum that is not there at run time.
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
const LOGARITHMIC = 3 as uPlot.Scale.Distr;

/** One chart among those that lie beneath each other and show the same stretch. */
export class Panel {
  readonly element: HTMLElement;
  readonly plot: uPlot;
  private readonly readouts: HTMLElement[];
  /** How far the ticks of the y axis are apart. */
  private step = 1;

  constructor(
    readonly options: PanelOptions,
    width: number,
  ) {
    this.readouts = options.lines.map(() => make('span', 'value'));
    const named = options.lines.map(({ name, colour: key }, i) =>
      make('span', `key key-${key}`, name, this.readouts[i]),
    );
    // What is drawn last lies on top and is named first.
    const legend = named.reverse();
    const others = options.keys.map(([text, key]) => make('span', `key key-${key}`, text));
    const head = make('div', 'panel-head', ...legend, ...others);
    this.element = make('div', 'panel', head);
    this.plot = new uPlot(this.plotOptions(width), this.emptyData(), this.element);
  }

  /** Shows a stretch. */
  show({ from, to }: View): void {
    const { plot, options } = this;
    const pyramids = options.lines.map(({ pyramid }) => pyramid);
    const data = thin(pyramids, from, to, plot.bbox.width);
    // Where lines fill their pixels the thinnest does, and is drawn many times as fast.
    const isDense = to - from > FEW_POINTS * plot.bbox.width;
    options.lines.forEach(({ colour: key }, i) => {
      plot.series[i + 1].width = isDense ? Math.max(1 / uPlot.pxRatio, THINNEST) : widthOf(key);
    });
    plot.batch(() => {
      plot.setData(data, false);
      plot.setScale('x', { min: from, max: to });
      // Labels may have changed though the stretch has not.
      plot.redraw(false, true);
    });
  }

  private plotOptions(width: number): uPlot.Options {
    const { height, lines, scale, labelled, under, over } = this.options;
    return {
      ...{ width, height: height + (labelled ? TICKS_HEIGHT : 0), legend: { show: false } },
      padding: [6, 20, labelled ? 0 : 6, 0],
      cursor: this.cursor(),
      scales: {
        x: { time: false, auto: false },
        y: scale ? { distr: LOGARITHMIC, range: scale.range } : { range: (_plot, min, max) => padded(min, max) },
      },
      axes: [this.xAxis(), this.yAxis()],
      series: [{}, ...lines.map((line) => lineStyle(line))],
      hooks: {
        drawClear: [under],
        draw: over ? [over] : [],
        setCursor: [() => this.readCursor()],
        setSelect: [() => this.select()],
      },
    };
  }

  private cursor(): uPlot.Cursor {
    return {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: SHORTEST_DRAG },
      sync: { key: 'panels', scales: ['x', null] },
      bind: {
        mousedown: (_plot, _target, handler) => (event) => (this.options.onPress(event) ? null : handler(event)),
        // What it would do, the whole chart does for all panels.
        dblclick: () => null,
      },
    };
  }

  private xAxis(): uPlot.Axis {
    const { ticks, labelled } = this.options;
    let shown: Tick[] = [];
    return {
      ...{ stroke: () => colour('soft'), grid: grid(), font: AXIS_FONT, size: labelled ? TICKS_HEIGHT : 0 },
      ticks: { ...grid(), show: labelled },
      splits: ({ bbox }, _axis, min, max) => {
        shown = ticks(min, max, Math.max(2, bbox.width / uPlot.pxRatio / TICK_WIDTH));
        return shown.map(({ place }) => place);
      },
      values: () => shown.map(({ label }) => (labelled ? label : '')),
    };
  }

  private yAxis(): uPlot.Axis {
    const { scale, axisWidth } = this.options;
    return {
      ...{ stroke: () => colour('soft'), grid: grid(), ticks: { show: false }, font: AXIS_FONT },
      size: (_plot, labels) => axisWidth.fit(labels ?? []),
      values: (_plot, splits, _axis, _space, step) => {
        this.step = step;
        return splits.map((value) => (scale ? scale.label(value) : tickLabel(value, step)));
      },
      ...(scale && { splits: scale.splits, filter: (_plot: uPlot, splits: number[]) => splits }),
    };
  }

  private readCursor(): void {
    const { plot, options, readouts } = this;
    const { left = -1 } = plot.cursor;
    const nearest = Math.round(plot.posToVal(left, 'x'));
    const point = left >= 0 && nearest in options.lines[0].pyramid.values ? nearest : undefined;
    const readOnAxis = (value: number) => reading(value, this.step);
    options.lines.forEach(({ pyramid: { values }, read = readOnAxis }, i) => {
      readouts[i].textContent = point === undefined ? '' : read(values[point]);
    });
    options.onCursor(point);
  }

  private select(): void {
    const { plot } = this;
    const { left, width } = plot.select;
    if (width <= 0) return;
    this.options.onSelect({ from: plot.posToVal(left, 'x'), to: plot.posToVal(left + width, 'x') });
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  private emptyData(): uPlot.AlignedData {
    return [new Float64Array(), ...this.options.lines.map(() => new Float64Array())];
  }
}

function grid() {
  return { stroke: () => colour('line'), width: 1 };
}

function lineStyle({ colour: key }: Line): uPlot.Series {
  return { stroke: () => colour(key), width: widthOf(key), pxAlign: 0, points: { show: false } };
}

/** What lies beneath is a little wider, so that it is seen. */
function widthOf(key: Colour): number {
  return key === 'expected' ? 1.75 : 1.25;
}

function padded(min: number, max: number): [number, number] {
  const [low, high] = uPlot.rangeNum(min ?? 0, max ?? 1, 0.08, false);
  return [low ?? 0, high ?? 1];
}
