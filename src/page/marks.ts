import uPlot from 'uplot';
import type { Anomaly } from '../detection/interval.js';
import { type Band, type Run, bandsOf } from './bands.js';
import { colour } from './theme.js';

/** A band is at least as wide as an eye can see, in CSS pixels. */
export const THINNEST_BAND = 2;
const DASH = [6, 4];

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

/** Draws the line above which errors are anomalous. */
export function drawThreshold(plot: uPlot, threshold: number): void {
  const { ctx, bbox } = plot;
  const y = plot.valToPos(threshold, 'y', true);
  ctx.save();
  ctx.strokeStyle = colour('anomaly');
  ctx.lineWidth = 1.5 * uPlot.pxRatio;
  ctx.setLineDash(DASH.map((pixels) => pixels * uPlot.pxRatio));
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
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
