import { AppError, overloadedError } from '../errors.js';
import { whenAborted } from '../when-aborted.js';
import type { Logger } from '../logger.js';
import type { Metrics } from '../metrics.js';
import type { ReportFormat } from '../detection/report.js';
import type { InferencePiece } from '../open-inference/response.js';
import type { DetectAnswer, InferRequest, InputBytes } from '../workers/detect-worker.js';
import type { Detector, WritePiece } from '../workers/detector.js';
import { Places, type Wanted } from './places.js';
import type { Outcome, Retained, Task, TaskAnswer, TaskInput, TaskStatus } from './task.js';

/** How a queue is set up. */
export interface TaskQueueSettings {
  /** Worker threads that compute. */
  workers: number;
  /** Tasks and requests that may wait for one; more are refused. */
  maxTasks: number;
}

/** A task that is not delivered yet. */
interface UnderWay {
  ended: Promise<void>;
  /** Ends its computation: its outcome is then an error. */
  stopComputing: AbortController;
  /** Ends the attempts to deliver it. */
  stopDelivering: AbortController;
}

// An Engine asks for a task again within minutes; finished ones beyond these are forgotten, the oldest first.
const REMEMBERED_TASKS = 10_000;
// While some tasks fetch their CSVs, the workers have others to compute.
const JOBS_A_WORKER = 2;
// An Engine reads the message of a failed task; what broke on our side is for our log.
const INTERNAL_ERROR = new AppError('INTERNAL', 'Something went wrong on our side.');

/**
 * All that waits for a worker, in the order in which it came: requests whose callers wait for the
 * answer, and tasks that Engines have given us, whose outcome is delivered later. What is refused is
 * refused at once; what is taken ends in exactly one delivery.
 */
export class TaskQueue {
  private readonly places: Places;
  private readonly statuses = new Map<string, TaskStatus>();
  private readonly underWay = new Map<string, UnderWay>();
  private draining = false;

  constructor(
    private readonly detector: Pick<Detector, 'detect' | 'infer'>,
    private readonly logger: Logger,
    private readonly settings: TaskQueueSettings,
    private readonly metrics: Pick<Metrics, 'countAnswer' | 'countTask'>,
  ) {
    this.places = new Places(settings.workers * JOBS_A_WORKER);
  }

  /** Whether another request or task would have to wait behind too many. */
  get overloaded(): boolean {
    return this.places.waiting >= this.settings.maxTasks;
  }

  /** How many may compute and wait at once. */
  get capacity(): number {
    return this.settings.maxTasks + this.settings.workers * JOBS_A_WORKER;
  }

  /** How many requests and tasks wait for their turn. */
  get waiting(): number {
    return this.places.waiting;
  }

  /** How many requests and tasks have their turn. */
  get computing(): number {
    return this.places.taken;
  }

  /** How many tasks of Engines were taken and are not delivered. */
  get tasksUnderWay(): number {
    return this.underWay.size;
  }

  /**
   * Finds the anomalies of a CSV for a caller who waits.
   *
   * @param write takes the report, piece by piece
   * @param signal tells that the caller waits no more
   * @throws AppError OVERLOADED where too many wait already, or what is wrong with the CSV
   */
  async detect(
    input: TaskInput,
    format: ReportFormat,
    write: WritePiece<ReportFormat>,
    signal: AbortSignal,
  ): Promise<DetectAnswer> {
    if (this.overloaded) throw overloadedError();
    const { csv, options, upload } = input;
    const request = { csv, options, formats: [format] };
    const compute = () => this.detector.detect(request, this.places.leaving(write), { signal });
    return this.counted(
      this.schedule(compute, upload, { signal, isLarge: isLarge(csv) && holdsSeries(format, options) }),
    );
  }

  /**
   * Answers a request of the Open Inference Protocol, for a caller who waits.
   *
   * @param write takes the answer, piece by piece
   * @param signal tells that the caller waits no more
   * @throws AppError OVERLOADED where too many wait already, or what is wrong with the request
   */
  async infer(
    { upload, ...request }: InferRequest & { upload: Retained },
    write: WritePiece<InferencePiece['format']>,
    signal: AbortSignal,
  ): Promise<DetectAnswer> {
    if (this.overloaded) throw overloadedError();
    const compute = () => this.detector.infer(request, this.places.leaving(write), { signal });
    return this.counted(this.schedule(compute, upload, { signal, isLarge: isLarge(request.body) }));
  }

  /**
   * Takes a task, unless it is known already.
   *
   * @throws AppError OVERLOADED where too many wait already, for a worker or to be delivered; NOT_READY
   *   once the queue drains
   */
  accept(task: Task): void {
    if (this.statuses.has(task.id)) {
      this.logger.info('task came again', { taskId: task.id, status: this.statuses.get(task.id) });
      return;
    }
    if (this.draining) throw new AppError('NOT_READY', 'The service takes no work now: it is draining.');
    // Outcomes that wait for an Engine take memory as well.
    const undelivered = this.underWay.size >= this.capacity;
    if (this.overloaded || undelivered) throw overloadedError();
    this.logger.info('task taken', { taskId: task.id });
    this.statuses.set(task.id, 'pending');
    const [stopComputing, stopDelivering] = [new AbortController(), new AbortController()];
    const ended = this.run(task, stopComputing.signal, stopDelivering.signal);
    this.underWay.set(task.id, { ended, stopComputing, stopDelivering });
  }

  /** Where a task stands, if it is known. */
  status(id: string): TaskStatus | undefined {
    return this.statuses.get(id);
  }

  /**
   * Takes no more tasks, and finishes and delivers those that were taken, and the requests whose callers
   * wait. Tasks that are not computed when `computeUntil` fires are delivered as errors; those not
   * delivered when `deliverUntil` fires are given up.
   *
   * @returns whether every task was delivered
   */
  async drain(computeUntil: AbortSignal, deliverUntil: AbortSignal): Promise<boolean> {
    this.draining = true;
    const tasks = [...this.underWay.values()];
    const ended = Promise.all([this.places.onIdle(), ...tasks.map((task) => task.ended)]);
    void whenAborted(computeUntil).then(() => {
      for (const { stopComputing } of tasks) stopComputing.abort(stoppingError());
    });
    const givenUp = whenAborted(deliverUntil).then(() => {
      for (const { stopDelivering } of tasks) stopDelivering.abort(stoppingError());
    });
    await Promise.race([ended, givenUp]);
    const lost = [...this.underWay.keys()];
    for (const taskId of lost) this.logger.error('task lost: the service ends', { taskId });
    return lost.length === 0;
  }

  private async run(task: Task, stopComputing: AbortSignal, stopDelivering: AbortSignal): Promise<void> {
    const taskId = task.id;
    const outcome = await this.outcomeOf(task, stopComputing);
    this.setStatus(taskId, 'saving');
    try {
      await task.deliver(outcome, stopDelivering);
      const end = 'error' in outcome ? 'error' : 'finished';
      this.setStatus(taskId, end);
      this.metrics.countTask(end);
      this.logger.info('task delivered', { taskId, ...describe(outcome) });
    } catch (error) {
      this.setStatus(taskId, 'error');
      this.metrics.countTask('lost');
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.error('task lost: its outcome could not be delivered', { taskId, ...describe(outcome), reason });
    }
    this.underWay.delete(taskId);
    this.forgetOldest();
  }

  private async outcomeOf(task: Task, signal: AbortSignal): Promise<Outcome> {
    try {
      return { answer: await this.counted(this.schedule(() => this.compute(task, signal), task.upload, { signal })) };
    } catch (error) {
      if (error instanceof AppError) return { error };
      this.logger.error('task failed', { taskId: task.id, error });
      return { error: INTERNAL_ERROR };
    }
  }

  private async compute(task: Task, signal: AbortSignal): Promise<TaskAnswer> {
    this.setStatus(task.id, 'fetching');
    const { csv, options } = await task.fetch(signal);
    this.setStatus(task.id, 'processing');
    // Per point there is the scored CSV.
    const request = { csv, options: { ...options, points: 'false' }, formats: task.formats };
    const reports = new Map(task.formats.map((format) => [format, [] as Uint8Array[]]));
    const answer = await this.detector.detect(
      request,
      ({ format, bytes }) => void reports.get(format)?.push(bytes.slice()),
      {
        signal,
      },
    );
    return { ...answer, reports: Array.from(reports.values(), (pieces) => Buffer.concat(pieces)) };
  }

  private async counted<T extends DetectAnswer>(computed: Promise<T>): Promise<T> {
    const answer = await computed;
    this.metrics.countAnswer(answer);
    return answer;
  }

  /** Computes when its turn has come; what it reads stays until it has ended, whoever gives up before. */
  private async schedule<T>(compute: () => Promise<T>, upload: Retained | undefined, wanted: Wanted): Promise<T> {
    let started = false;
    upload?.retain();
    try {
      return await this.places.take(async () => {
        started = true;
        return compute().finally(() => upload?.release());
      }, wanted);
    } catch (error) {
      if (!started) upload?.release();
      throw error;
    }
  }

  private setStatus(id: string, status: TaskStatus): void {
    // Anew at the end, so that the oldest stands first.
    this.statuses.delete(id);
    this.statuses.set(id, status);
  }

  private forgetOldest(): void {
    for (const id of this.statuses.keys()) {
      if (this.statuses.size <= REMEMBERED_TASKS) return;
      if (!this.underWay.has(id)) this.statuses.delete(id);
    }
  }
}

/** What does not fit into memory comes as a file. */
function isLarge(input: InputBytes): boolean {
  return 'descriptor' in input;
}

/** Whether an answer needs its whole series; the others are written while it is scored. */
function holdsSeries(format: ReportFormat, { points, reference }: Record<string, unknown>): boolean {
  return reference === 'request' || format === 'png' || (format === 'json' && points !== 'false');
}

function stoppingError(): AppError {
  return new AppError('STOPPED', 'The service was stopped before the task was finished: send it again.');
}

function describe(outcome: Outcome): object {
  if ('error' in outcome) return { code: outcome.error.code };
  const { length, anomalousPoints, timings } = outcome.answer;
  return { length, anomalousPoints, timings };
}
