import { parseArgs } from 'node:util';

/** The parts of the benchmark in the order in which they run. */
export const PARTS = ['start', 'throughput', 'load', 'busy', 'memory', 'command', 'training', 'page'] as const;

export type PartName = (typeof PARTS)[number];

/** What is measured, and how long. */
export interface Options {
  parts: PartName[];
  /** Points in a CSV, rising. */
  sizes: number[];
  /** Columns in a CSV. */
  columns: number[];
  /** Runs of each measurement; without it as many as its length allows. */
  runs?: number;
  /** Seconds of each run under load. */
  loadSeconds: number;
  /** Points to train on. */
  trainingPoints: number[];
}

/** How the benchmark is called. */
export const USAGE = `Usage: npm run bench -- [PART ...] [options]

Measures how fast the built server is beside the bare model and a Python service, and prints tables of ratios.

  PART            ${PARTS.join(', ')} (all)
  --sizes N,...   points in a CSV (1000,28000,1000000,10000000)
  --columns N,... 1, 3 or both (1,3)
  --runs N        runs of each measurement (more of short ones, fewer of long ones)
  --quick         up to 1,000,000 points of one column, few runs
  --help          this text
`;

const FULL: Options = {
  parts: [...PARTS],
  sizes: [1000, 28_000, 1_000_000, 10_000_000],
  columns: [1, 3],
  loadSeconds: 4,
  trainingPoints: [12_000, 50_000],
};
const QUICK: Options = {
  ...FULL,
  sizes: [1000, 28_000, 1_000_000],
  columns: [1],
  runs: 1,
  loadSeconds: 1.5,
  trainingPoints: [12_000],
};

/**
 * Reads the arguments of the benchmark.
 *
 * @returns undefined where the usage is asked for
 * @throws Error that says what is wrong with them
 */
export function readOptions(args: string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      sizes: { type: 'string' },
      columns: { type: 'string' },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const chosen: Options = { ...(values.quick ? QUICK : FULL), parts: chooseParts(positionals) };
  if (values.sizes !== undefined) chosen.sizes = numbers('--sizes', values.sizes);
  if (values.columns !== undefined) chosen.columns = oneOrThree(numbers('--columns', values.columns));
  if (values.runs !== undefined) chosen.runs = numbers('--runs', values.runs)[0];
  return chosen;
}

function chooseParts(names: string[]): PartName[] {
  const unknown = names.find((name) => !(PARTS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`No part is called "${unknown}": expected ${PARTS.join(', ')}.`);
  return PARTS.filter((part) => names.length === 0 || names.includes(part));
}

function oneOrThree(columns: number[]): number[] {
  if (columns.every((count) => count === 1 || count === 3)) return columns;
  throw new Error('--columns: expected 1, 3 or both.');
}

function numbers(option: string, text: string): number[] {
  const all = text.split(',').map(Number);
  if (all.every((number) => Number.isInteger(number) && number > 0)) return all.sort((a, b) => a - b);
  throw new Error(`${option}: expected whole numbers above 0, got "${text}".`);
}
