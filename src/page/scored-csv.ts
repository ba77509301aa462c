import { bytesInMemory } from '../detection/byte-source.js';
import { calibrate } from '../detection/calibration.js';
import type { SeriesBlock } from '../detection/cell-block.js';
import { firstRows } from '../detection/csv.js';
import { openSeries, type SeriesReader } from '../detection/series.js';
import { Judge } from '../detection/verdict.js';
import type { ModelDescription } from '../inference/metadata.js';
import type { Scored } from './rejudge.js';
import { type PackedTimes, packTimes } from './times.js';

/** A scored series as it crosses threads. */
export type PackedScored = Omit<Scored, 'times'> & { times?: PackedTimes };

const BLOCK_POINTS = 65_536;
// More than any header has.
const HEADER_BYTES = 1024 * 1024;

/**
 * Reads the service's scored CSV as the service reads CSVs: what the model expected and the errors are
 * columns like others.
 *
 * @param onProgress called now and then with the share that has been read, 0 to 1
 */
export function readScored(
  csv: Uint8Array,
  model: ModelDescription,
  onProgress: (share: number) => void = () => undefined,
): PackedScored {
  const columns = model.columns.map(({ name }) => name);
  const reader = openSeries(bytesInMemory(csv), [...columns, ...ownColumns(csv, columns.length)]);
  const { labels, ...scored } = takeApart(reader, columns, onProgress);
  const { length, values, missing, expected, error, columnError } = scored;
  const block = { length, values, missing, ...(labels && { timestamps: labels }) };
  // Nothing lies above the last percentile of its own errors: what is flagged are the gaps.
  const options = { percentile: 100, margin: 1, missing: 'flag' } as const;
  const judge = new Judge({ ...reader, columns }, model, options, error);
  const [{ isAnomaly: gaps }] = [
    ...judge.add({ ...block, reconstruction: { error, columnError, expected } }),
    ...judge.end(),
  ];
  const { warnings } = judge.verdict;
  return {
    ...scored,
    columns,
    gaps,
    warnings,
    calibration: calibrate(error),
    ...(labels && { times: packTimes(labels) }),
  };
}

/** The names of the columns with what the model expected and with the errors: behind those of the input. */
function ownColumns(csv: Uint8Array, width: number): string[] {
  const [header] = firstRows(new TextDecoder().decode(csv.subarray(0, HEADER_BYTES)), ',', 1);
  return header.slice(-errorsByColumn(width) - width - 3, -2);
}

/** How many columns have the error of one column: of a single one it is that of the point. */
function errorsByColumn(width: number): number {
  return width === 1 ? 0 : width;
}

function takeApart(reader: SeriesReader, columns: string[], onProgress: (share: number) => void) {
  const width = columns.length;
  const { length } = reader;
  const whole = {
    length,
    values: new Float64Array(length * width),
    expected: new Float64Array(length * width),
    error: new Float32Array(length),
    columnError: new Float32Array(length * width),
    missing: new Uint8Array(length),
  };
  let labels: string[] | undefined;
  let first = 0;
  for (const block of reader.blocks(BLOCK_POINTS, false)) {
    copyBlock(block, whole, first, width);
    if (block.timestamps) {
      labels ??= [];
      for (const label of block.timestamps) labels.push(label);
    }
    first += block.length;
    onProgress(first / length);
  }
  return { ...whole, labels };
}

function copyBlock(
  { length, values, missing }: SeriesBlock,
  whole: Pick<Scored, 'values' | 'expected' | 'error' | 'columnError' | 'missing'>,
  first: number,
  width: number,
): void {
  const all = 2 * width + errorsByColumn(width) + 1;
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < width; j++) {
      whole.values[(first + i) * width + j] = values[i * all + j];
      whole.expected[(first + i) * width + j] = values[i * all + width + j];
      // Where there are none by column, this is the error of the point.
      whole.columnError[(first + i) * width + j] = values[i * all + 2 * width + j];
    }
    whole.error[first + i] = values[(i + 1) * all - 1];
  }
  whole.missing.set(missing, first);
}
