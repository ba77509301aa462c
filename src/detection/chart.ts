import { createRequire } from 'node:module';
import type { Canvas } from '@napi-rs/canvas';
import type { ChartConfiguration, Plugin } from 'chart.js';

const FONT = 'DejaVu Sans';
const INK = '#1f2933';
const GRID = '#e4e7eb';
// Twice the pixels, so that thin lines stay thin on today's screens.
const PIXEL_RATIO = 2;

let loading: ReturnType<typeof loadLibraries> | undefined;

/** Charts take thirty megabytes in each thread, and few answers hold one. */
async function loadLibraries() {
  const [{ Chart, registerables }, { createCanvas, GlobalFonts }] = await Promise.all([
    import('chart.js'),
    import('@napi-rs/canvas'),
  ]);
  Chart.register(...registerables);
  Object.assign(Chart.defaults.font, { family: FONT, size: 12 });
  Object.assign(Chart.defaults, { color: INK, borderColor: GRID });
  // The font comes with us: a slim image has none, and the same data must give the same picture anywhere.
  GlobalFonts.registerFromPath(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'), FONT);
  return { Chart, createCanvas };
}

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
export async function drawChart(config: ChartConfiguration, width: number, height: number): Promise<Canvas> {
  const { Chart, createCanvas } = await (loading ??= loadLibraries());
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
export async function stackAsPng(canvases: Canvas[]): Promise<Buffer> {
  const { createCanvas } = await (loading ??= loadLibraries());
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
