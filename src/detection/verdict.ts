import type { Calibration, ModelMetadata, VerdictDefaults } from '../inference/metadata.js';
import type { Reconstruction } from '../inference/model.js';
import { calibrate, errorAtPercentile } from './calibration.js';
import type { SeriesBlock } from './cell-block.js';
import { type Anomaly, Interval } from './interval.js';
import type { SeriesReader } from './series.js';
import { StepWatch } from './timestamps.js';
import { type Counts, doubts, type Warning } from './warnings.js';

/** Where a series goes wrong. */
export interface Verdict {
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
}

/** Points of a series with what the model makes of them. */
export interface ScoredBlock extends SeriesBlock {
  reconstruction: Reconstruction;
}

/** Points of a series of which it is known whether they are anomalous. */
export interface JudgedBlock extends ScoredBlock {
  /** 1 for an anomalous point, else 0, shape [rows]. */
  isAnomaly: Uint8Array;
}

/** Whose errors a percentile is taken of. */
export type Reference = 'training' | 'request';

/** Which side of the expected value counts. */
export type DetectionDirection = 'both' | 'above' | 'below';

/** What a caller may ask of the verdict; what is left out is as {@link verdictDefaults} or as said here. */
export interface VerdictOptions {
  /** The percentile of the normal errors that the threshold is built on, 0 to 100. */
  percentile?: number;
  /** The factor between that percentile and the threshold, 1 or more. */
  margin?: number;
  /** @default 'training' */
  reference?: Reference;
  /** @default 'both' */
  detectionDirection?: DetectionDirection;
  /**
   * The least deviation of an interval that counts, in the units of the input.
   * @default 0
   */
  minDeviation?: number;
  /**
   * Intervals with fewer points than this between them are joined.
   * @default 0
   */
  mergeGap?: number;
  /**
   * Whether points without a value, and the first point after a gap between timestamps, count as
   * anomalous, or not for that alone. A gap is a step half as long again as the median.
   * @default 'ignore'
   */
  missing?: 'ignore' | 'flag';
}

/**
 * What applies where a caller says nothing. A margin is for normal errors that the training data did not
 * show; the errors of a request itself are all there, its anomalies among them.
 */
export function verdictDefaults({ defaults }: Pick<ModelMetadata, 'defaults'>, reference?: Reference): VerdictDefaults {
  return reference === 'request' ? { ...defaults, margin: 1 } : defaults;
}

/** What a judge must know of a series beforehand. */
export type SeriesFacts = Pick<SeriesReader, 'columns' | 'sampling' | 'rowOf'>;

/**
 * Compares the errors of a series with the threshold, joins what lies above it to intervals, and leaves
 * out those that the caller does not want. Takes the series block by block, and hands a block on once
 * all its flags are known: at the latest when the interval that it belongs to has ended, and at once
 * where the caller wants every interval and none joined.
 */
export class Judge {
  private readonly percentile: number;
  private readonly margin: number;
  /** A point is anomalous where its error is above this. */
  readonly threshold: number;
  private readonly calibration: Calibration;
  private readonly counts: Omit<Counts, 'irregularSteps' | 'unreadTimestamps'>;
  private readonly anomalies: Anomaly[] = [];
  private readonly steps: StepWatch;
  private held: JudgedBlock[] = [];
  /** The point that the first block that is held starts with. */
  private heldFrom = 0;
  private open: Interval | undefined;
  /** The points after the open interval, which may yet be joined to it. */
  private after: Interval | undefined;

  /** @param ownErrors the errors of the series itself, where the caller wants the percentile taken of them */
  constructor(
    private readonly series: SeriesFacts,
    private readonly metadata: ModelMetadata,
    private readonly options: VerdictOptions = {},
    ownErrors?: Float32Array,
  ) {
    const defaults = verdictDefaults(metadata, options.reference);
    const { percentile = defaults.percentile, margin = defaults.margin } = options;
    this.percentile = percentile;
    this.margin = margin;
    this.calibration = ownErrors ? calibrate(ownErrors) : metadata.calibration;
    this.threshold = margin * errorAtPercentile(this.calibration, percentile);
    this.steps = new StepWatch(series.sampling);
    const outside = series.columns.map(() => 0);
    this.counts = { length: 0, outside, missing: 0, flagged: 0 };
  }

  /** Takes the next points and gives back those that are judged. */
  add(block: ScoredBlock): JudgedBlock[] {
    const judged = { ...block, isAnomaly: new Uint8Array(block.length) };
    this.held.push(judged);
    this.countOutside(block);
    const first = this.counts.length;
    for (let row = 0; row < block.length; row++) {
      const timestamp = block.timestamps?.[row];
      const afterGap = timestamp !== undefined && this.steps.comesAfterGap(timestamp);
      const isGap = this.options.missing === 'flag' && (block.missing[row] === 1 || afterGap);
      if (isGap || (block.missing[row] === 0 && block.reconstruction.error[row] > this.threshold)) {
        this.addFlagged(judged, row, first + row, isGap);
      } else if (this.open) {
        this.addBetween(judged, row, first + row);
      }
    }
    this.counts.length += block.length;
    return this.release();
  }

  /** Ends the series and gives back the points that were not judged yet. */
  end(): JudgedBlock[] {
    this.closeInterval();
    return this.release();
  }

  /** The verdict, once the series has ended. */
  get verdict(): Verdict {
    const { percentile, margin, threshold, anomalies } = this;
    const { irregularSteps, unread } = this.steps;
    const unreadTimestamps = unread && { ...unread, row: this.series.rowOf?.(unread.point) };
    const counts = { ...this.counts, irregularSteps, unreadTimestamps };
    const anomalousPoints = anomalies.reduce((sum, { start, end }) => sum + end - start + 1, 0);
    const warnings = doubts(counts, this.series.sampling, this.metadata, this.calibration, percentile);
    return { percentile, margin, threshold, anomalousPoints, anomalies, warnings };
  }

  private countOutside({ values, missing }: ScoredBlock): void {
    const { columns } = this.metadata;
    columns.forEach(({ min, max }, j) => {
      for (let k = j; k < values.length; k += columns.length) {
        if (values[k] < min || values[k] > max) this.counts.outside[j] += 1;
      }
    });
    // A loop, since reduce() takes ten times as long.
    for (let i = 0; i < missing.length; i++) this.counts.missing += missing[i];
  }

  private addFlagged(block: JudgedBlock, row: number, point: number, isGap: boolean): void {
    this.counts.flagged += 1;
    this.open ??= new Interval(this.series.columns.length);
    if (this.after) {
      this.open.join(this.after);
      if (this.everyIntervalCounts) this.mark(this.after.start, this.after.end);
      this.after = undefined;
    }
    this.open.add(block, row, point, isGap);
    if (this.everyIntervalCounts) block.isAnomaly[row] = 1;
  }

  private addBetween(block: JudgedBlock, row: number, point: number): void {
    this.after ??= new Interval(this.series.columns.length);
    this.after.add(block, row, point, false);
    if (this.after.length >= (this.options.mergeGap ?? 0)) this.closeInterval();
  }

  private closeInterval(): void {
    const { open } = this;
    this.open = undefined;
    this.after = undefined;
    if (!open) return;
    const anomaly = open.describe(this.series.columns, this.threshold, this.calibration);
    if (!open.hasGap && !this.isWanted(anomaly)) return;
    this.anomalies.push(anomaly);
    if (!this.everyIntervalCounts) this.mark(open.start, open.end);
  }

  private get everyIntervalCounts(): boolean {
    const { detectionDirection = 'both', minDeviation = 0 } = this.options;
    return detectionDirection === 'both' && minDeviation === 0;
  }

  private isWanted({ deviation }: Anomaly): boolean {
    const { detectionDirection = 'both', minDeviation = 0 } = this.options;
    if (Math.abs(deviation) < minDeviation) return false;
    return detectionDirection === 'both' || (detectionDirection === 'above' ? deviation > 0 : deviation < 0);
  }

  /** Flags points of blocks that are held. */
  private mark(start: number, end: number): void {
    let first = this.heldFrom;
    for (const { isAnomaly, length } of this.held) {
      if (start < first + length && end >= first) isAnomaly.fill(1, Math.max(0, start - first), end - first + 1);
      first += length;
    }
  }

  /** Hands on the blocks that end before what is not decided yet. */
  private release(): JudgedBlock[] {
    const { open, after, everyIntervalCounts } = this;
    let undecided = this.counts.length;
    if (open && !everyIntervalCounts) undecided = open.start;
    else if (after) undecided = after.start;
    let count = 0;
    for (; count < this.held.length && this.heldFrom + this.held[count].length <= undecided; count++) {
      this.heldFrom += this.held[count].length;
    }
    return this.held.splice(0, count);
  }
}
