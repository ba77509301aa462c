import { AppError } from '../errors.js';
import { whenAborted } from '../when-aborted.js';
import type { DetectAnswer } from './detect-worker.js';
import { Detector, type DetectorSettings } from './detector.js';

/** Told how each reload ended: without an error, all models were taken up. */
export type OnReload = (error?: unknown) => void;

const LONGEST_RELOAD_SECONDS = 60;
const MOST_RETIRING = 2;

/** A detector whose models are changed while it works. */
export class ReloadableDetector {
  private reloading: Promise<unknown> = Promise.resolve();
  private nextReload: Promise<void> | undefined;
  /** Detectors that finish what they were at, each with its end. */
  private readonly retiring = new Map<Detector, Promise<void>>();

  private constructor(
    private current: Detector,
    private readonly settings: DetectorSettings,
    private readonly onReload: OnReload,
  ) {}

  /** Reads the models and starts the workers, see {@link Detector.create}. */
  static async create(settings: DetectorSettings, onReload: OnReload = () => undefined): Promise<ReloadableDetector> {
    return new ReloadableDetector(await Detector.create(settings), settings, onReload);
  }

  /** The models that answer now, see {@link Detector.models}. */
  get models(): Detector['models'] {
    return this.current.models;
  }

  /** How many worker threads there are, with those that finish what they were at before a reload. */
  get workers(): number {
    return this.working.reduce((sum, { workers }) => sum + workers, 0);
  }

  /** How many of them have something to do. */
  get busyWorkers(): number {
    return this.working.reduce((sum, { busyWorkers }) => sum + busyWorkers, 0);
  }

  /** The model that a caller means now, see {@link Detector.choose}. */
  choose(reference?: string): ReturnType<Detector['choose']> {
    return this.current.choose(reference);
  }

  /** Has every worker try every model, see {@link Detector.probe}. */
  probe(): Promise<void> {
    return this.current.probe();
  }

  /** Finds the anomalies of a CSV with the models that answer now, see {@link Detector.detect}. */
  detect(...request: Parameters<Detector['detect']>): Promise<DetectAnswer> {
    return this.current.detect(...request);
  }

  /** Answers a request of the Open Inference Protocol with the models that answer now, see {@link Detector.infer}. */
  infer(...request: Parameters<Detector['infer']>): Promise<DetectAnswer> {
    return this.current.infer(...request);
  }

  /**
   * Reads the models anew, has workers of their own try them, and only then lets these answer; what is
   * under way is finished by those that began it, which then end. Calls that come while one works are
   * answered together by the next.
   *
   * @throws AppError INVALID_MODEL, see {@link Detector.create}, or NOT_READY where that takes too long;
   *   nothing has changed then
   */
  reload(): Promise<void> {
    this.nextReload ??= this.reloading.then(() => {
      this.nextReload = undefined;
      const replaced = this.replace();
      this.reloading = replaced.then(() => this.onReload(), this.onReload);
      return replaced;
    });
    return this.nextReload;
  }

  /**
   * Waits for the work under way and ends all workers.
   *
   * @param until how long a reload under way may take
   */
  async close(until?: AbortSignal): Promise<void> {
    await Promise.race([this.nextReload?.catch(() => undefined) ?? this.reloading, whenAborted(until)]);
    await Promise.all([this.current.close(), ...this.retiring.values()]);
  }

  private get working(): Detector[] {
    return [this.current, ...this.retiring.keys()];
  }

  private async replace(): Promise<void> {
    const next = await inTime(this.prepare());
    const retired = this.current;
    this.current = next;
    this.retiring.set(
      retired,
      retired.close().finally(() => this.retiring.delete(retired)),
    );
  }

  private async prepare(): Promise<Detector> {
    // Each takes the memory of all models, for as long as the slowest of its callers reads.
    while (this.retiring.size >= MOST_RETIRING) await Promise.race(this.retiring.values());
    const next = await Detector.create(this.settings);
    try {
      await next.probe();
      return next;
    } catch (error) {
      await next.close();
      throw error;
    }
  }
}

/** Gives up what takes too long, and ends it when it comes after all. */
async function inTime(preparing: Promise<Detector>): Promise<Detector> {
  const tooLate = AbortSignal.timeout(LONGEST_RELOAD_SECONDS * 1000);
  const detector = await Promise.race([preparing, whenAborted(tooLate)]);
  if (detector) return detector;
  preparing.then(
    (late) => late.close(),
    () => undefined,
  );
  throw new AppError('NOT_READY', `The models were not loaded and tried within ${LONGEST_RELOAD_SECONDS} s.`);
}
