import type { Canvas } from '@napi-rs/canvas';
import type { ChartConfiguration, ChartDataset, Plugin, Point, ScaleOptions } from 'chart.js';
import { colours, drawChart, stackAsPng } from './chart.js';
import { columnsToDraw } from './columns-to-draw.js';
import type { WholeDetection } from './detect.js';
import { scoreOf } from './interval.js';
import type { Series } from './series.js';
import { ticksOf } from './ticks.js';
import { clockTime, risingSeconds } from './timestamps.js';

const WIDTH = 1200;
const HEIGHT = 420;
const COLUMN_HEIGHT = 160;
// A detail helps once a window is no longer readable in the whole.
const DETAIL_WINDOWS = 12;
// Scores span decades: far below the threshold they say nothing, far above it they must not dwarf it.
const LOWEST_SCORE = 0.01;
const LARGEST_SCORE_OF_NONE = 10;
const MOST_SCORE_TICKS = 5;
const MOST_VALUE_TICKS = 5;
const MOST_TIME_TICKS = 10;
// The label of a time must not overhang the axis, whose length this is a share of.
const HALF_TIME_LABEL = 0.035;
// More digits are no longer a tick's, but those of its rounding.
const MOST_DIGITS = 12;
// What came and what was expected.
const LINES_A_PANEL = 2;

/** Part of a detection that is drawn. */
interface Range {
  from: number;
  to: number;
  /** When each point of the series was, where that is known. */
  seconds: Float64Array | undefined;
}

/**
 * Draws a verdict: the series, what was expected, the flagged intervals, and beneath them the score
 * with the threshold. Every column has a panel; of many, those that the anomalies are blamed on. A long
 * series is followed by a detail around its largest anomaly.
 *
 * @returns a PNG
 */
export async function plotDetection(detection: WholeDetection): Promise<Buffer> {
  const { window } = detection;
  const { length, timestamps } = detection.series;
  const seconds = timestamps && risingSeconds(timestamps);
  const { anomalies, anomalousPoints } = detection.verdict;
  const intervals = `${anomalies.length} ${anomalies.length === 1 ? 'interval' : 'intervals'}`;
  const title = `${length} points, ${anomalousPoints} of them anomalous in ${intervals}`;
  const panels = [await drawRange(detection, { from: 0, to: length - 1, seconds }, title)];
  const detail = DETAIL_WINDOWS * window;
  if (anomalies.length > 0 && length > 2 * detail) {
    const worst = anomalies.reduce((a, b) => (b.error > a.error ? b : a));
    const from = Math.max(0, Math.min(worst.peak - Math.floor(detail / 2), length - detail));
    const { startTimestamp, endTimestamp, start, end } = worst;
    const times = [startTimestamp, endTimestamp].map((timestamp) => clockTime(timestamp ?? ''));
    const where = startTimestamp ? times.join(' to ') : `points ${start} to ${end}`;
    const heading = `Around the largest anomaly, ${where}`;
    panels.push(await drawRange(detection, { from, to: from + detail - 1, seconds }, heading));
  }
  return stackAsPng(panels);
}

function drawRange(detection: WholeDetection, range: Range, title: string): Promise<Canvas> {
  const columns = columnsToDraw(detection.series.columns, detection.verdict.anomalies);
  const valueDatasets = LINES_A_PANEL * columns.length;
  const config: ChartConfiguration<'line', Point[]> = {
    type: 'line',
    data: { datasets: [...valueLines(detection, columns, range), ...scoreLines(detection, range)] },
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
        x: timeAxis(range),
        // The axis that comes first lies at the bottom.
        score: scoreAxis(detection, range),
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
    // Ticks that are left out for lack of room leave odd ones.
    ticks: { autoSkip: false, maxTicksLimit: MOST_VALUE_TICKS, format: { maximumSignificantDigits: MOST_DIGITS } },
  });
  return Object.fromEntries([...drawn].reverse().map((j) => [`y${j}`, axis(j)])) as Record<string, ScaleOptions>;
}

/** A logarithmic axis to the power of ten above the largest score. */
function scoreAxis({ reconstruction, verdict }: WholeDetection, { from, to }: Range): ScaleOptions<'logarithmic'> {
  let largest = LARGEST_SCORE_OF_NONE;
  for (let i = from; i <= to; i++) largest = Math.max(largest, scoreOf(reconstruction.error[i], verdict.threshold));
  const [bottom, top] = [Math.log10(LOWEST_SCORE), Math.ceil(Math.log10(largest))];
  const step = Math.ceil((top - bottom) / MOST_SCORE_TICKS);
  const powers = Array.from({ length: top - bottom + 1 }, (_, k) => bottom + k).filter((power) => power % step === 0);
  return {
    ...{ type: 'logarithmic', stack: 'panels', stackWeight: 1, min: LOWEST_SCORE, max: 10 ** top },
    title: { display: true, text: 'score' },
    afterBuildTicks: (axis) => (axis.ticks = powers.map((power) => ({ value: 10 ** power }))),
    ticks: { autoSkip: false, callback: (value) => `${value}` },
  };
}

/** The points, or when they were. */
function timeAxis({ from, to, seconds }: Range): ScaleOptions<'linear'> {
  const margin = seconds ? HALF_TIME_LABEL * (to - from) : 0;
  const ticks = ticksOf(from + margin, to - margin, MOST_TIME_TICKS, seconds);
  return {
    type: 'linear',
    min: from,
    max: to,
    title: { display: true, text: seconds ? 'time' : 'point' },
    afterBuildTicks: (axis) => (axis.ticks = ticks.map(({ place }) => ({ value: place }))),
    ticks: { autoSkip: false, maxRotation: 0, callback: (_, i) => ticks[i].label.split('\n') },
  };
}

function valueLines({ series, reconstruction }: WholeDetection, columns: number[], range: Range) {
  const width = series.columns.length;
  const name = columns.length === 1 ? series.columns[columns[0]] : 'values';
  return columns.flatMap((j) => [
    line(name, colours.series, `y${j}`, 1.2, range, (i) => series.values[i * width + j]),
    line('expected', colours.expected, `y${j}`, 1, range, (i) => reconstruction.expected[i * width + j]),
  ]);
}

function scoreLines({ reconstruction, verdict }: WholeDetection, range: Range) {
  const score = (i: number) => Math.max(LOWEST_SCORE, scoreOf(reconstruction.error[i], verdict.threshold));
  return [
    line('score', colours.score, 'score', 1.2, range, score),
    { ...line('threshold', colours.anomaly, 'score', 1, range, () => 1), borderDash: [6, 4] },
  ];
}

function line(
  label: string,
  colour: string,
  axis: string,
  borderWidth: number,
  { from, to }: Range,
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
