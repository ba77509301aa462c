import { AppError } from '../errors.js';
import { type Chunk, cutChunks } from '../inference/chunks.js';
import {
  emptyReconstruction,
  type Model,
  type ModelIdentity,
  putReconstruction,
  type Reconstruction,
} from '../inference/model.js';
import { bytesInMemory, type ByteSource } from './byte-source.js';
import type { SeriesBlock } from './cell-block.js';
import { openSeries, type Series, type SeriesReader, wholeSeries } from './series.js';
import { Judge, type JudgedBlock, type ScoredBlock, type Verdict, type VerdictOptions } from './verdict.js';

/** What scores the points of a series: a model, or something that has several do it. */
export interface Scorer extends Pick<Model, 'columns' | 'metadata' | 'identity' | 'chunkPlan' | 'checkLength'> {
  /**
   * Scores a series chunk by chunk.
   *
   * @param length its number of points
   */
  score(chunks: Iterable<Chunk>, length: number): AsyncIterable<Reconstruction>;
}

/** What watches over a detection. */
export interface Watch {
  /** Called now and then; what it throws ends the work. */
  checkpoint?: () => void;
  /** Called with the share of the points scored so far, 0 to 1. */
  onProgress?: (share: number) => void;
}

/** Milliseconds spent on each step. */
export interface Timings {
  parsing: number;
  inference: number;
  verdict: number;
}

/** Opens a series for a model of these columns; `onBlock` is called now and then, and what it throws ends the work. */
export type OpenSeries = (columns: readonly string[], onBlock?: () => void) => SeriesReader;

/** Opens a CSV, see {@link openSeries}. */
export function csvIn(source: ByteSource): OpenSeries {
  return (columns, onBlock) => openSeries(source, columns, onBlock);
}

/** A series on its way through a model: it is as it should be. */
export class Detection {
  readonly timings: Timings = { parsing: 0, inference: 0, verdict: 0 };
  private judge: Judge | undefined;

  /**
   * Opens the series, whereupon whatever is wrong with it is known before any of it is answered.
   *
   * @param open see {@link csvIn}
   * @throws AppError with the code that says what is wrong with the series
   */
  static open(open: OpenSeries, scorer: Scorer, options: VerdictOptions = {}, watch: Watch = {}): Detection {
    const started = performance.now();
    const series = open(scorer.columns, watch.checkpoint);
    scorer.checkLength(series.length);
    const detection = new Detection(series, scorer, options, watch);
    detection.timings.parsing = performance.now() - started;
    return detection;
  }

  private constructor(
    readonly series: SeriesReader,
    private readonly scorer: Scorer,
    private readonly options: VerdictOptions,
    private readonly watch: Watch,
  ) {}

  /** The model that answers. */
  get model(): ModelIdentity {
    return this.scorer.identity;
  }

  /** The model's window, in points. */
  get window(): number {
    return this.scorer.metadata.window;
  }

  /** The threshold, once a block was read. */
  get threshold(): number {
    return this.startedJudge.threshold;
  }

  /** The verdict, once all blocks were read. */
  get verdict(): Verdict {
    return this.startedJudge.verdict;
  }

  /**
   * Scores and judges the series, block by block and once. No more of it is in memory than the blocks
   * that are not judged yet; all of it where the percentile is taken of its own errors.
   *
   * @param carry whether the rows of the CSV are wanted
   */
  async *blocks(carry: boolean): AsyncGenerator<JudgedBlock> {
    let scored: AsyncIterable<ScoredBlock> | ScoredBlock[] = this.scored(carry);
    let ownErrors: Float32Array | undefined;
    if (this.options.reference === 'request') {
      scored = await collect(scored);
      ownErrors = errorsOf(scored, this.series.length);
    }
    const judge = new Judge(this.series, this.scorer.metadata, this.options, ownErrors);
    this.judge = judge;
    for await (const block of scored) yield* this.timed('verdict', () => judge.add(block));
    yield* judge.end();
  }

  private get startedJudge(): Judge {
    if (!this.judge) throw new Error('No block of the series was read yet.');
    return this.judge;
  }

  private async *scored(carry: boolean): AsyncGenerator<ScoredBlock> {
    const { scorer, series, watch } = this;
    const waiting: SeriesBlock[] = [];
    const chunks = cutChunks(this.readValues(carry, waiting), series.length, scorer.chunkPlan);
    const scored = scorer.score(chunks, series.length)[Symbol.asyncIterator]();
    let points = 0;
    for (;;) {
      const { value: reconstruction, done } = await this.nextScored(scored);
      if (done) return;
      watch.checkpoint?.();
      // A chunk is as long as a block, and they come in the same order.
      const block = waiting.shift() as SeriesBlock;
      points += block.length;
      watch.onProgress?.(points / series.length);
      yield { ...block, reconstruction };
    }
  }

  private *readValues(carry: boolean, waiting: SeriesBlock[]): Generator<Float64Array> {
    const { length } = this.series;
    const blocks = this.series.blocks(this.scorer.chunkPlan.chunkPoints, carry)[Symbol.iterator]();
    let points = 0;
    for (;;) {
      const next = this.timed('parsing', () => blocks.next());
      points += next.done ? 0 : next.value.length;
      if (points > length || (next.done && points < length)) throw changedMeanwhile(length);
      if (next.done) return;
      waiting.push(next.value);
      yield next.value.values;
    }
  }

  /** Reading happens while scores are waited for, and is counted by itself. */
  private async nextScored(scored: AsyncIterator<Reconstruction>): Promise<IteratorResult<Reconstruction, undefined>> {
    const { timings } = this;
    const [started, parsing] = [performance.now(), timings.parsing];
    const next = (await scored.next()) as IteratorResult<Reconstruction, undefined>;
    timings.inference += performance.now() - started - (timings.parsing - parsing);
    return next;
  }

  private timed<T>(step: keyof Timings, work: () => T): T {
    const started = performance.now();
    const result = work();
    this.timings[step] += performance.now() - started;
    return result;
  }
}

/** A whole series with all that the model says of it. */
export interface WholeDetection {
  model: ModelIdentity;
  series: Series;
  reconstruction: Reconstruction;
  /** 1 for an anomalous point, else 0, shape [n]. */
  isAnomaly: Uint8Array;
  verdict: Verdict;
  /** The model's window, in points. */
  window: number;
}

/**
 * The whole story: reads a CSV, scores every point, and says which are anomalous.
 *
 * @param csv the bytes of the CSV, see {@link openSeries}
 * @throws AppError with the code that says what is wrong with the CSV
 */
export async function detect(csv: Uint8Array, model: Scorer, options: VerdictOptions = {}): Promise<WholeDetection> {
  const detection = Detection.open(csvIn(bytesInMemory(csv)), model, options);
  return wholeDetection(detection, await collect(detection.blocks(false)));
}

/** All blocks of a detection as one. */
export function wholeDetection(detection: Detection, blocks: JudgedBlock[]): WholeDetection {
  const { model, verdict, window } = detection;
  const { length, columns } = detection.series;
  const reconstruction = emptyReconstruction(length, columns.length);
  const isAnomaly = new Uint8Array(length);
  let first = 0;
  for (const block of blocks) {
    putReconstruction(reconstruction, block.reconstruction, first);
    isAnomaly.set(block.isAnomaly, first);
    first += block.length;
  }
  return { model, series: wholeSeries(detection.series, blocks), reconstruction, isAnomaly, verdict, window };
}

/** All that comes, in a list. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function changedMeanwhile(length: number): AppError {
  return new AppError('MALFORMED_CSV', `The CSV was changed while it was read: it had ${length} points at first.`, {
    expected: `${length} points`,
  });
}

function errorsOf(blocks: ScoredBlock[], length: number): Float32Array {
  const errors = new Float32Array(length);
  let first = 0;
  for (const { reconstruction } of blocks) {
    errors.set(reconstruction.error, first);
    first += reconstruction.error.length;
  }
  return errors;
}
