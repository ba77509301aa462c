import { median } from './statistics.js';

/**
 * What is measured: the service, the model file run bare, the Python service that scores long series
 * in chunks and the same with one run over the whole series, and the command line.
 */
export type Subject = 'service' | 'limit' | 'peer' | 'peer in one run' | 'command line';

/** What is asked of a service: the verdict alone, with the arrays per point, or the scored CSV. */
export type Output = 'verdict' | 'arrays' | 'csv';

/** All outputs. */
export const OUTPUTS: readonly Output[] = ['verdict', 'arrays', 'csv'];

/** What a figure tells. */
export interface FigureKey {
  part: string;
  subject: Subject;
  metric:
    | 'seconds'
    | 'megabytes'
    | 'requests per second'
    | 'requests'
    | 'refused'
    | 'p50'
    | 'p99'
    | 'frame milliseconds'
    | 'flag milliseconds';
  /** Points in a CSV; 0 for a process that has not been asked anything yet. */
  points: number;
  columns: number;
  output?: Output;
  connections?: number;
  /** Whether a long job runs beside. */
  busy?: boolean;
}

/** A figure: what each run gave, and why a run failed. */
export interface Figure extends FigureKey {
  runs: number[];
  failure?: string;
}

/** All that was measured. */
export class Figures {
  private readonly byKey = new Map<string, Figure>();

  /** Adds what a run gave. */
  record(key: FigureKey, value: number): void {
    this.at(key).runs.push(value);
  }

  /** Remembers that something did not work. */
  fail(key: FigureKey, failure: string): void {
    this.at(key).failure = failure;
  }

  /** The median of the runs, undefined where there are none. */
  median(key: FigureKey): number | undefined {
    return median(this.byKey.get(keyOf(key))?.runs ?? []);
  }

  /** Why something did not work, undefined where nothing failed. */
  failure(key: FigureKey): string | undefined {
    return this.byKey.get(keyOf(key))?.failure;
  }

  /** Whether it was tried, with or without success. */
  tried(key: FigureKey): boolean {
    return this.byKey.has(keyOf(key));
  }

  /** Every figure with its median, in the order in which it was first measured. */
  all(): (Figure & { median?: number })[] {
    return Array.from(this.byKey.values(), (figure) => ({ ...figure, median: median(figure.runs) }));
  }

  private at(key: FigureKey): Figure {
    const text = keyOf(key);
    const figure = this.byKey.get(text) ?? { ...key, runs: [] };
    this.byKey.set(text, figure);
    return figure;
  }
}

function keyOf(key: FigureKey): string {
  const { part, subject, metric, points, columns, output = '', connections = 0, busy = false } = key;
  return [part, subject, metric, points, columns, output, connections, busy].join();
}
