import type { Canvas } from '@napi-rs/canvas';
import type { ChartConfiguration, ChartDataset, Plugin, Point, ScaleOptions } from 'chart.js';
import { colours, drawChart, stackAsPng } from './chart.js';
import { columnsToDraw } from './columns-to-draw.js';
import type { WholeDetection } from './detect.js';
import type { Series } from './series.js';
import { scoreOf } from './interval.js';

const WIDTH = 1200;
const HEIGHT = 420;
const COLUMN_HEIGHT = 160;
// A detail helps once a window is no longer readable in the whole.
const DETAIL_WINDOWS = 12;
// Scores span decades: far below the threshold they say nothing, far above it they must not dwarf it.
const LOWEST_SCORE = 0.01;
// What came and what was expected.
const LINES_A_PANEL = 2;

/**
 * Draws a verdict: the series, what was expected, the flagged intervals, and beneath them the score
 * with the threshold. Every column has a panel; of many, those that the anomalies are blamed on. A long
 * series is followed by a detail around its largest anomaly.
 *
 * @returns a PNG
 */
export async function plotDetection(detection: WholeDetection): Promise<Buffer> {
  const { window } = detection;
  const { length } = detection.series;
  const { anomalies, anomalousPoints } = detection.verdict;
  const intervals = `${anomalies.length} ${anomalies.length === 1 ? 'interval' : 'intervals'}`;
  const title = `${length} points, ${anomalousPoints} of them anomalous in ${intervals}`;
  const panels = [await drawRange(detection, 0, length - 1, title)];
  const detail = DETAIL_WINDOWS * window;
  if (anomalies.length > 0 && length > 2 * detail) {
    const worst = anomalies.reduce((a, b) => (b.error > a.error ? b : a));
    const from = Math.max(0, Math.min(worst.peak - Math.floor(detail / 2), length - detail));
    const { startTimestamp, endTimestamp, start, end } = worst;
    const where = startTimestamp ? `${startTimestamp} to ${endTimestamp}` : `points ${start} to ${end}`;
    const heading = `Around the largest anomaly, ${where}`;
    panels.push(await drawRange(detection, from, from + detail - 1, heading));
  }
  return stackAsPng(panels);
}

function drawRange(detection: WholeDetection, from: number, to: number, title: string): Promise<Canvas> {
  const columns = columnsToDraw(detection.series.columns, detection.verdict.anomalies);
  const valueDatasets = LINES_A_PANEL * columns.length;
  const config: ChartConfiguration<'line', Point[]> = {
    type: 'line',
    data: { datasets: [...valueLines(detection, columns, from, to), ...scoreLines(detection, from, to)] },
    options: {
      parsing: false,
      normalized: true,
      layout: { padding: { left: 8, right: 20, top: 4, bottom: 4 } },
      plugins: {
        title: { display: true, text: title, font: { size: 15, weight: 'normal' } },
        legend: {
          labels: {
            ...{ boxHeight: 1, boxWidth: 24 },
            // The columns share their colours, and each colour is explained once.
            filter: ({ datasetIndex = 0 }) => datasetIndex < LINES_A_PANEL || datasetIndex >= valueDatasets,
          },
        },
        // Keeps the extremes of each pixel column: a thinned line loses no peak.
        decimation: { enabled: true, algorithm: 'min-max' },
      },
      scales: {
        x: timeAxis(detection.series, from, to),
        // The axis that comes first lies at the bottom.
        score: {
          type: 'logarithmic',
          stack: 'panels',
          stackWeight: 1,
          min: LOWEST_SCORE,
          title: { display: true, text: 'score' },
          ticks: { callback: (value) => (Number.isInteger(Math.log10(Number(value))) ? `${value}` : '') },
        },
        ...valueAxes(detection.series, columns),
      },
    },
    plugins: [flaggedIntervals(detection)],
  };
  return drawChart(config, WIDTH, HEIGHT + (columns.length - 1) * COLUMN_HEIGHT);
}

/** An axis for each column; the one that comes last lies at the top. */
function valueAxes({ columns }: Series, drawn: number[]) {
  const axis = (j: number) => ({
    ...{ type: 'linear', stack: 'panels', stackWeight: 2, offset: true },
    title: { display: true, text: columns[j] },
  });
  return Object.fromEntries([...drawn].reverse().map((j) => [`y${j}`, axis(j)])) as Record<string, ScaleOptions>;
}

/** The points, or their timestamps where the series has any. */
function timeAxis({ timestamps }: Series, from: number, to: number): ScaleOptions<'linear'> {
  const label = (value: number | string) => timestamps?.[Number(value)] ?? '';
  return {
    type: 'linear',
    min: from,
    max: to,
    title: { display: true, text: timestamps ? 'time' : 'point' },
    ticks: {
      includeBounds: false,
      precision: 0,
      maxRotation: 0,
      autoSkipPadding: 24,
      ...(timestamps && { callback: label }),
    },
  };
}

function valueLines({ series, reconstruction }: WholeDetection, columns: number[], from: number, to: number) {
  const width = series.columns.length;
  return columns.flatMap((j) => [
    line('value', colours.series, `y${j}`, 1.2, from, to, (i) => series.values[i * width + j]),
    line('expected', colours.expected, `y${j}`, 1, from, to, (i) => reconstruction.expected[i * width + j]),
  ]);
}

function scoreLines({ reconstruction, verdict }: WholeDetection, from: number, to: number) {
  const score = (i: number) => Math.max(LOWEST_SCORE, scoreOf(reconstruction.error[i], verdict.threshold));
  return [
    line('score', colours.score, 'score', 1.2, from, to, score),
    { ...line('threshold', colours.anomaly, 'score', 1, from, to, () => 1), borderDash: [6, 4] },
  ];
}

function line(
  label: string,
  colour: string,
  axis: string,
  borderWidth: number,
  from: number,
  to: number,
  value: (i: number) => number,
): ChartDataset<'line', Point[]> {
  const data = Array.from({ length: to - from + 1 }, (_, k) => ({ x: from + k, y: value(from + k) }));
  return { label, data, yAxisID: axis, borderColor: colour, backgroundColor: colour, borderWidth, pointRadius: 0 };
}

/** Shades the flagged intervals over both panels, each at least as wide as an eye can see. */
function flaggedIntervals({ verdict }: WholeDetection): Plugin<'line'> {
  return {
    id: 'flaggedIntervals',
    beforeDatasetsDraw({ ctx, chartArea, scales: { x } }) {
      ctx.save();
      ctx.fillStyle = colours.anomalyFill;
      for (const { start, end } of verdict.anomalies) {
        if (end < x.min || start > x.max) continue;
        const left = Math.max(chartArea.left, x.getPixelForValue(start - 0.5) - 1);
        const right = Math.min(chartArea.right, x.getPixelForValue(end + 0.5) + 1);
        ctx.fillRect(left, chartArea.top, right - left, chartArea.height);
      }
      ctx.restore();
    },
  };
}
