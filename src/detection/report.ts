import type { ModelIdentity } from '../inference/model.js';
import type { Detection } from './detect.js';
import { plotDetection } from './plot.js';
import type { Series } from './series.js';
import { type Anomaly, type Verdict, scoreOf } from './verdict.js';
import type { Warning } from './warnings.js';

/** The forms that a report comes in. */
export type ReportFormat = 'json' | 'csv' | 'png';

/** The verdict on a series as JSON. */
export interface Report {
  /** The model that answered. */
  model: ModelIdentity;
  /** The names of the value columns. */
  columns: string[];
  /** The number of points. */
  length: number;
  /** The percentile of the normal errors that the threshold is built on, 0 to 100. */
  percentile: number;
  /** The factor between that percentile and the threshold. */
  margin: number;
  /** A point is anomalous where its error is above this. */
  threshold: number;
  /** How many points are anomalous. */
  anomalousPoints: number;
  /** The anomalous points as intervals, in order. */
  anomalies: Anomaly[];
  /** Reasons to doubt the verdict. */
  warnings: Warning[];
  /** The timestamp of each point as it came, where the CSV has timestamps. */
  timestamps?: string[];
  /** The reconstruction error of each point, in scaled units. */
  error?: number[];
  /** The error of each point over the threshold: above 1 is anomalous. */
  score?: number[];
  /** Whether each point is anomalous. */
  isAnomaly?: boolean[];
  /** What the model expected at each point: a number, or one for each column where there are several. */
  expectedValues?: number[] | number[][];
}

// Large enough that joining costs nothing, small enough that no string comes near V8's limit.
const POINTS_A_PIECE = 16_384;

/** The media type of each form. */
export const mediaTypes: Record<ReportFormat, string> = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  png: 'image/png',
};

/**
 * Writes a report in pieces that together are the whole of it: text, or the bytes of a picture.
 *
 * @param points whether the JSON has the arrays with an entry per point; the CSV always has a row per point
 */
export function writeReport(
  detection: Detection,
  format: ReportFormat,
  points: boolean,
): Iterable<string | Uint8Array> {
  if (format === 'csv') return writeCsv(detection);
  return format === 'json' ? writeJson(detection, points) : [plotDetection(detection)];
}

function* writeJson(detection: Detection, points: boolean): Generator<string> {
  const summary = JSON.stringify(summarise(detection));
  if (!points) {
    yield summary;
    return;
  }
  yield summary.slice(0, -1);
  for (const [name, entry] of Object.entries(pointWriters(detection))) {
    yield `,"${name}":[`;
    for (const [from, to] of pieces(detection.series.length)) {
      const entries = Array.from({ length: to - from }, (_, i) => entry(from + i));
      yield (from > 0 ? ',' : '') + entries.join();
    }
    yield ']';
  }
  yield '}';
}

function summarise({ model, series, verdict }: Detection): Report {
  const { percentile, margin, threshold, anomalousPoints, anomalies, warnings } = verdict;
  const { columns, length } = series;
  return { model, columns, length, percentile, margin, threshold, anomalousPoints, anomalies, warnings };
}

/** For each per-point array of the JSON form, what writes its entry for a point. */
function pointWriters({ series, reconstruction, verdict }: Detection): Record<string, (i: number) => string> {
  const { error, expected } = reconstruction;
  const { timestamps } = series;
  const width = series.columns.length;
  const expectedValues = (i: number) =>
    width === 1 ? `${expected[i]}` : `[${expected.subarray(i * width, (i + 1) * width).join()}]`;
  return {
    ...(timestamps && { timestamps: (i: number) => JSON.stringify(timestamps[i]) }),
    error: (i) => `${error[i]}`,
    score: (i) => `${scoreOf(error[i], verdict.threshold)}`,
    isAnomaly: (i) => (verdict.isAnomaly[i] ? 'true' : 'false'),
    expectedValues,
  };
}

function* writeCsv({ series, reconstruction, verdict }: Detection): Generator<string> {
  yield `${csvHeader(series)}\n`;
  const inputCells = series.layout.map((column) =>
    column.kind === 'text'
      ? (i: number) => csvCell(column.cells[i])
      : (i: number) => `${series.values[i * series.columns.length + column.index]}`,
  );
  for (const [from, to] of pieces(series.length)) {
    const rows = Array.from({ length: to - from }, (_, k) => {
      const i = from + k;
      return `${inputCells.map((cell) => cell(i)).join()},${verdictCells(i, series, reconstruction, verdict)}\n`;
    });
    yield rows.join('');
  }
}

function csvHeader({ columns, layout }: Series): string {
  const expected = columns.length === 1 ? ['expected'] : columns.map((column) => `expected_${column}`);
  return [...layout.map(({ name }) => name), ...expected, 'error', 'score', 'isAnomaly'].map(csvCell).join();
}

function verdictCells(
  i: number,
  { columns }: Series,
  { error, expected }: Detection['reconstruction'],
  { threshold, isAnomaly }: Verdict,
): string {
  const width = columns.length;
  const expectedCells = width === 1 ? expected[i] : expected.subarray(i * width, (i + 1) * width).join();
  return `${expectedCells},${error[i]},${scoreOf(error[i], threshold)},${isAnomaly[i] === 1}`;
}

/** Quotes a cell where RFC 4180 asks for it. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function* pieces(length: number): Generator<[from: number, to: number]> {
  for (let from = 0; from < length; from += POINTS_A_PIECE) {
    yield [from, Math.min(from + POINTS_A_PIECE, length)];
  }
}
