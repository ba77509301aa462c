import uPlot from 'uplot';
import type { Anomaly } from '../detection/interval.js';
import { colour } from './theme.js';
import type { View } from './view.js';

/** A band is at least as wide as an eye can see, in CSS pixels. */
export const THINNEST_BAND = 2;
const DASH = [6, 4];

/** Shades the flagged intervals that are in view. */
export function drawBands(plot: uPlot, anomalies: Anomaly[], view: View, chosen?: Anomaly): void {
  const { ctx, bbox } = plot;
  const thinnest = THINNEST_BAND * uPlot.pxRatio;
  const end = bbox.left + bbox.width;
  ctx.save();
  // Where many lie in one pixel it is painted once.
  let painted = bbox.left;
  for (const anomaly of anomalies) {
    if (anomaly.end < view.from || anomaly.start > view.to) continue;
    const left = Math.max(painted, plot.valToPos(anomaly.start - 0.5, 'x', true));
    const right = Math.min(end, Math.max(plot.valToPos(anomaly.end + 0.5, 'x', true), left + thinnest));
    if (right <= left) continue;
    ctx.fillStyle = colour(anomaly.start === chosen?.start ? 'band-chosen' : 'band');
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    painted = right;
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
