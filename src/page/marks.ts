import uPlot from 'uplot';
import type { Anomaly } from '../detection/interval.js';
import { type Band, type Run, bandsOf } from './bands.js';
import { make } from './dom.js';
import { type Colour, colour } from './theme.js';

/** A band is at least as wide as an eye can see, in CSS pixels. */
export const THINNEST_BAND = 2;
const DASH = [6, 4];
const GAP_DOTS = [1.5, 3];
const HATCH = 6;

/** Shades the flagged intervals that are in view. */
export function drawBands(plot: uPlot, anomalies: readonly Anomaly[], chosen?: Anomaly): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { run, left, right } of bandsIn(plot, anomalies)) {
    ctx.fillStyle = colour(run.start === chosen?.start ? 'band-chosen' : 'band');
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

/** Hatches stretches in which values are missing. */
export function drawMissing(plot: uPlot, missing: readonly Run[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = hatching(ctx) ?? colour('missing');
  for (const { left, right } of bandsIn(plot, missing)) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  ctx.restore();
}

/** Draws a line where time passed between a point and the one before it. */
export function drawGaps(plot: uPlot, gaps: readonly Run[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  setLine(ctx, 'soft', GAP_DOTS);
  for (const { left } of bandsIn(plot, gaps)) strokeLine(ctx, left, bbox.top, left, bbox.top + bbox.height);
  ctx.restore();
}

/** Draws the line above which errors are anomalous. */
export function drawThreshold(plot: uPlot, threshold: number): void {
  const { ctx, bbox } = plot;
  const y = plot.valToPos(threshold, 'y', true);
  ctx.save();
  setLine(ctx, 'anomaly', DASH);
  strokeLine(ctx, bbox.left, y, bbox.left + bbox.width, y);
  ctx.restore();
}

function setLine(ctx: CanvasRenderingContext2D, name: Colour, dash: number[]): void {
  ctx.strokeStyle = colour(name);
  ctx.lineWidth = 1.5 * uPlot.pxRatio;
  ctx.setLineDash(dash.map((pixels) => pixels * uPlot.pxRatio));
}

function strokeLine(ctx: CanvasRenderingContext2D, fromX: number, fromY: number, toX: number, toY: number): void {
  ctx.beginPath();
  ctx.moveTo(fromX, fromY);
  ctx.lineTo(toX, toY);
  ctx.stroke();
}

/** A shade with slanting lines, which is told from the bands of intervals without its colour. */
function hatching(ctx: CanvasRenderingContext2D): CanvasPattern | null {
  const size = HATCH * uPlot.pxRatio;
  const tile = make('canvas');
  tile.width = tile.height = size;
  const context = tile.getContext('2d');
  if (!context) return null;
  context.fillStyle = context.strokeStyle = colour('missing');
  context.fillRect(0, 0, size, size);
  context.lineWidth = 1.5 * uPlot.pxRatio;
  // The corners that the line does not reach belong to its neighbours.
  for (const shift of [-size, 0, size]) strokeLine(context, shift - 1, size + 1, shift + size + 1, -1);
  return ctx.createPattern(tile, 'repeat');
}

function bandsIn<R extends Run>(plot: uPlot, runs: readonly R[]): Band<R>[] {
  const { left, width } = plot.bbox;
  return bandsOf(runs, placesIn(plot), THINNEST_BAND * uPlot.pxRatio, [left, left + width]);
}

/** Where points lie on the canvas; the library's own way takes too long for many. */
function placesIn({ bbox, scales }: uPlot): (point: number) => number {
  const { min = 0, max = 1 } = scales.x;
  return (point) => bbox.left + ((point - min) / (max - min)) * bbox.width;
}
