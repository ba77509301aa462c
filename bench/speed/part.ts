import type { Figures } from './figures.js';
import type { Options } from './options.js';
import type { Table } from './table.js';

/** What every part is given. */
export interface Context {
  options: Options;
  figures: Figures;
}

/** A part of the benchmark. */
export interface Part {
  /** Measures in turn and records what comes out; starts what it needs and ends it. */
  measure(context: Context): Promise<void>;
  /** What was measured, as tables. */
  tables(context: Context): Table[];
}

/** Anything that runs and has to be ended. */
interface Stoppable {
  stop(): Promise<void>;
}

/** Starts things one after the other, hands them on, and ends them whatever happens. */
export async function using<T extends Stoppable[]>(
  starts: { [K in keyof T]: () => Promise<T[K]> },
  use: (...started: T) => Promise<void>,
): Promise<void> {
  const started: Stoppable[] = [];
  try {
    for (const start of starts as (() => Promise<Stoppable>)[]) started.push(await start());
    await use(...(started as T));
  } finally {
    await Promise.all(started.map((each) => each.stop()));
  }
}
