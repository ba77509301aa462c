import { createRequire } from 'node:module';
import { type Canvas, GlobalFonts, createCanvas } from '@napi-rs/canvas';
import { Chart, type ChartConfiguration, type Plugin, registerables } from 'chart.js';

const FONT = 'DejaVu Sans';
const INK = '#1f2933';
const GRID = '#e4e7eb';
// Twice the pixels, so that thin lines stay thin on today's screens.
const PIXEL_RATIO = 2;

Chart.register(...registerables);
Chart.defaults.font.family = FONT;
Chart.defaults.font.size = 12;
Chart.defaults.color = INK;
Chart.defaults.borderColor = GRID;
// The font comes with us: a slim image has none, and the same data must give the same picture anywhere.
GlobalFonts.registerFromPath(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'), FONT);

const whiteBackground: Plugin = {
  id: 'whiteBackground',
  beforeDraw({ ctx, width, height }) {
    ctx.save();
    ctx.fillStyle = 'white';
    ctx.fillRect(0, 0, width, height);
    ctx.restore();
  },
};

/** The colours that the plots share. */
export const colours = {
  series: '#2d5d8b',
  expected: '#e08a1e',
  anomaly: '#d64545',
  anomalyFill: 'rgba(214, 69, 69, 0.22)',
  score: '#5b4b8a',
} as const;

/** Draws a chart on white; `width` and `height` in CSS pixels. */
export function drawChart(config: ChartConfiguration, width: number, height: number): Canvas {
  const canvas = createCanvas(width, height);
  // Chart.js asks for the canvas of a browser; this one has all that it uses.
  new Chart(canvas as unknown as HTMLCanvasElement, {
    ...config,
    options: { ...config.options, animation: false, responsive: false, devicePixelRatio: PIXEL_RATIO },
    plugins: [...(config.plugins ?? []), whiteBackground],
  }).stop();
  return canvas;
}

/** Puts drawn charts one beneath the other and encodes them as one PNG. */
export function stackAsPng(canvases: Canvas[]): Buffer {
  const width = Math.max(...canvases.map((canvas) => canvas.width));
  const height = canvases.reduce((sum, canvas) => sum + canvas.height, 0);
  const whole = createCanvas(width, height);
  const context = whole.getContext('2d');
  let top = 0;
  for (const canvas of canvases) {
    context.drawImage(canvas, 0, top);
    top += canvas.height;
  }
  return whole.toBuffer('image/png');
}
