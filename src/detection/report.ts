import type { ModelIdentity } from '../inference/model.js';
import { ByteWriter } from './byte-writer.js';
import type { CarriedRows } from './cell-block.js';
import { type Detection, wholeDetection } from './detect.js';
import { type Anomaly, scoreOf } from './interval.js';
import { plotDetection } from './plot.js';
import { csvCell } from './series.js';
import type { JudgedBlock } from './verdict.js';
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

const PIECE_BYTES = 64 * 1024;

/** The media type of each form. */
export const mediaTypes: Record<ReportFormat, string> = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  png: 'image/png',
};

/** A piece of a report. */
export interface ReportPiece {
  format: ReportFormat;
  bytes: Uint8Array;
}

/**
 * Writes a detection as reports, one after the other, in pieces that together are the whole of each. A
 * CSV alone is written while the series is scored, and JSON without points holds none of it; other forms,
 * and several together, hold the whole series.
 *
 * @param points whether the JSON has the arrays with an entry per point; the CSV always has a row per point
 */
export async function* writeReports(
  detection: Detection,
  formats: readonly ReportFormat[],
  points: boolean,
): AsyncGenerator<ReportPiece> {
  const [format, ...others] = formats;
  if (format === 'csv' && others.length === 0) {
    const writer = csvWriter(detection);
    for await (const block of detection.blocks(true)) yield { format, bytes: csvRows(detection, block, writer) };
    return;
  }
  const needsBlocks = points || formats.some((wanted) => wanted !== 'json');
  const blocks: JudgedBlock[] = [];
  for await (const block of detection.blocks(formats.includes('csv'))) if (needsBlocks) blocks.push(block);
  for (const wanted of formats) {
    for await (const bytes of piecesOf(detection, blocks, wanted, points)) yield { format: wanted, bytes };
  }
}

async function* piecesOf(
  detection: Detection,
  blocks: JudgedBlock[],
  format: ReportFormat,
  points: boolean,
): AsyncGenerator<Uint8Array> {
  if (format === 'png') {
    yield await plotDetection(wholeDetection(detection, blocks));
  } else if (format === 'json') {
    yield* writeJson(detection, blocks, points);
  } else {
    const writer = csvWriter(detection);
    for (const block of blocks) yield csvRows(detection, block, writer);
  }
}

function* writeJson(detection: Detection, blocks: JudgedBlock[], points: boolean): Generator<Uint8Array> {
  const writer = new ByteWriter();
  const summary = JSON.stringify(summarise(detection));
  writer.text(points ? summary.slice(0, -1) : summary);
  if (points) {
    for (const [name, writeEntry] of Object.entries(entryWriters(detection, writer, blocks))) {
      writer.text(`,"${name}":`);
      let before = '[';
      for (const block of blocks) {
        for (let i = 0; i < block.length; i++) {
          writer.ascii(before);
          writeEntry(block, i);
          before = ',';
        }
        if (writer.length > PIECE_BYTES) yield writer.take();
      }
      writer.text(']');
    }
    writer.text('}');
  }
  yield writer.take();
}

function summarise({ model, series, verdict }: Detection): Report {
  const { percentile, margin, threshold, anomalousPoints, anomalies, warnings } = verdict;
  const { columns, length } = series;
  return { model, columns, length, percentile, margin, threshold, anomalousPoints, anomalies, warnings };
}

type WriteEntry = (block: JudgedBlock, i: number) => void;

/** For each per-point array of the JSON form, what writes its entry for a point. */
function entryWriters(detection: Detection, writer: ByteWriter, [first]: JudgedBlock[]): Record<string, WriteEntry> {
  const { threshold } = detection;
  const width = detection.series.columns.length;
  const expectedValues: WriteEntry = ({ reconstruction: { expected } }, i) => {
    if (width === 1) writer.double(expected[i]);
    else writer.text(`[${expected.subarray(i * width, (i + 1) * width).join()}]`);
  };
  return {
    ...(first.timestamps && {
      timestamps: ({ timestamps = [] }: JudgedBlock, i: number) => writer.text(JSON.stringify(timestamps[i])),
    }),
    error: ({ reconstruction: { error } }, i) => writer.float(error[i]),
    score: ({ reconstruction: { error } }, i) => writer.float(scoreOf(error[i], threshold)),
    isAnomaly: ({ isAnomaly }, i) => writer.ascii(isAnomaly[i] ? 'true' : 'false'),
    expectedValues,
  };
}

/** What writes the CSV, and has written its header. */
function csvWriter({ series: { header, columns } }: Detection): ByteWriter {
  const writer = new ByteWriter();
  const own = ownColumns(columns).map((name) => unlike(header, name));
  writer.text(`${[...header, ...own].map(csvCell).join()}\n`);
  return writer;
}

/** What a row of the CSV is followed by; the error of one column is that of the point. */
function ownColumns(columns: readonly string[]): string[] {
  const each = (what: string) => columns.map((column) => `${what}_${column}`);
  const byColumn = columns.length === 1 ? ['expected'] : [...each('expected'), ...each('error')];
  return [...byColumn, 'error', 'score', 'isAnomaly'];
}

/** A name that the input does not have yet. */
function unlike(names: readonly string[], name: string): string {
  return names.includes(name) ? unlike(names, `model_${name}`) : name;
}

/** The rows of the CSV as they came, each with what the model says of it. */
function csvRows({ series, threshold }: Detection, block: JudgedBlock, writer: ByteWriter): Uint8Array {
  const width = series.columns.length;
  const { rows, reconstruction, isAnomaly } = block;
  const { error, columnError, expected } = reconstruction;
  const { bytes, ends } = rows as CarriedRows;
  for (let i = 0; i < block.length; i++) {
    writer.copy(bytes, i === 0 ? 0 : ends[i - 1], ends[i]);
    for (let k = i * width; k < (i + 1) * width; k++) {
      writer.ascii(',');
      writer.double(expected[k]);
    }
    for (let k = i * width; width > 1 && k < (i + 1) * width; k++) {
      writer.ascii(',');
      writer.float(columnError[k]);
    }
    writer.ascii(',');
    writer.float(error[i]);
    writer.ascii(',');
    writer.float(scoreOf(error[i], threshold));
    writer.ascii(isAnomaly[i] ? ',true\n' : ',false\n');
  }
  return writer.take();
}
