import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { DetectAnswer } from './workers/detect-worker.js';
import type { Detector } from './workers/detector.js';

/** A request that has ended. */
export interface EndedRequest {
  method: string;
  /** The path with names in place of what varies, so that there are few of them. */
  route: string;
  /** The HTTP status; without one the client went away before it had its answer. */
  status?: number;
  milliseconds: number;
}

/** How a reload ended, or a task of an Engine: with a verdict, or with an error that was delivered. */
type Ended = 'finished' | 'error';

/** How a task of an Engine ended, where it may be without a delivery. */
export type TaskEnd = Ended | 'lost';

/** What is asked for its state whenever the metrics are read. */
export interface Watched {
  queue: { waiting: number; computing: number; tasksUnderWay: number };
  detector: Pick<Detector, 'models' | 'choose' | 'workers' | 'busyWorkers'>;
  isReady: () => boolean;
  /** For each Engine that is configured whether it has taken the service. */
  registered: () => boolean[];
}

const PREFIX = 'ae_ano_detection_';
// Gauges that are called as only counters should be; the same by type are there under right names.
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const STEP_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30];
const MODEL_LABELS = ['model', 'version'] as const;
const OUTCOME_LABEL = ['outcome'] as const;

/** The figures that Prometheus reads, under names that start with `ae_ano_detection_`, and those of the process. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: `${PREFIX}http_request_duration_seconds`,
    help: 'How long requests took until the last byte of their answer, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_SECONDS,
    registers: [this.registry],
  });
  private readonly steps = new Histogram({
    name: `${PREFIX}step_duration_seconds`,
    help: 'How long the steps of a detection took.',
    labelNames: ['step'],
    buckets: STEP_SECONDS,
    registers: [this.registry],
  });
  private readonly points = this.counter('points', 'Points that were judged.', MODEL_LABELS);
  private readonly anomalousPoints = this.counter('anomalous_points', 'Points that were flagged.', MODEL_LABELS);
  private readonly anomalies = this.counter('anomalies', 'Intervals of flagged points.', MODEL_LABELS);
  private readonly tasks = this.counter('tasks', 'Tasks of Engines that have ended.', OUTCOME_LABEL);
  private readonly reloads = this.counter('model_reloads', 'Reloads of the models that have ended.', OUTCOME_LABEL);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    for (const outcome of ['finished', 'error', 'lost'] satisfies TaskEnd[]) this.tasks.inc({ outcome }, 0);
    for (const outcome of ['finished', 'error'] satisfies Ended[]) this.reloads.inc({ outcome }, 0);
  }

  /** The media type of {@link Metrics.read}. */
  get mediaType(): string {
    return this.registry.contentType;
  }

  /** All figures as text, in the form that Prometheus reads. */
  read(): Promise<string> {
    return this.registry.metrics();
  }

  /** Takes note of a request that has ended. */
  countRequest({ method, route, status = 0, milliseconds }: EndedRequest): void {
    this.requests.observe({ method, route, status: status === 0 ? 'aborted' : `${status}` }, milliseconds / 1000);
  }

  /** Takes note of a series that was judged. */
  countAnswer({ model, length, anomalousPoints, intervals, timings }: DetectAnswer): void {
    const labels = { model: model.name, version: model.version };
    this.points.inc(labels, length);
    this.anomalousPoints.inc(labels, anomalousPoints);
    this.anomalies.inc(labels, intervals);
    for (const [step, milliseconds] of Object.entries(timings)) this.steps.observe({ step }, milliseconds / 1000);
  }

  /** Takes note of a task that has ended. */
  countTask(outcome: TaskEnd): void {
    this.tasks.inc({ outcome });
  }

  /** Takes note of a reload of the models. */
  countReload(outcome: Ended): void {
    this.reloads.inc({ outcome });
  }

  /** Asks for the state of these from now on. */
  watch({ queue, detector, isReady, registered }: Watched): void {
    this.gauge('ready', 'Whether the service takes work: 1 or 0.', () => Number(isReady()));
    this.gauge('queue_depth', 'Requests and tasks that wait for their turn.', () => queue.waiting);
    this.gauge('jobs', 'Requests and tasks whose turn it is.', () => queue.computing);
    this.gauge('tasks_under_way', 'Tasks of Engines that were taken and are not delivered.', () => queue.tasksUnderWay);
    this.gauge('workers', 'Worker threads.', () => detector.workers);
    this.gauge('workers_busy', 'Worker threads that have something to do.', () => detector.busyWorkers);
    this.gauge('engines', 'Engines that are configured.', () => registered().length);
    this.gauge('engines_registered', 'Engines that have taken the service.', () => registered().filter(Boolean).length);
    new Gauge({
      name: `${PREFIX}model_info`,
      help: 'The models that answer, each 1.',
      labelNames: ['model', 'version', 'sha256', 'default'],
      registers: [this.registry],
      collect() {
        this.reset();
        const byDefault = detector.choose();
        for (const file of detector.models) {
          const { name: model, version } = file.metadata;
          this.set({ model, version, sha256: file.sha256, default: String(file === byDefault) }, 1);
        }
      },
    });
  }

  private counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: `${PREFIX}${name}_total`, help, labelNames, registers: [this.registry] });
  }

  private gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      ...{ name: `${PREFIX}${name}`, help, registers: [this.registry] },
      collect() {
        this.set(value());
      },
    });
  }
}
