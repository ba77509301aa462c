import { AppError, quote } from '../errors.js';
import { parseNumber } from './numbers.js';
import type { VerdictOptions } from './verdict.js';

/** What a caller may ask for. */
export interface DetectOptions extends VerdictOptions {
  /** The model that is to answer, as `name` or `name/version`. */
  model?: string;
  /** Whether the JSON has the arrays with an entry per point. */
  points: boolean;
}

/** An option: how its text is read, what is expected and what it means. */
interface Option<T> {
  read: (text: string) => T | undefined;
  expected: string;
  meaning: string;
}

/** Every option by its name, the same in forms, queries and on the command line. */
export const detectOptions: { [Name in keyof Required<DetectOptions>]: Option<DetectOptions[Name]> } = {
  model: {
    read: (text) => text || undefined,
    expected: 'the name of a model, or name/version',
    meaning: 'The model that is to answer, as `name` or `name/version`; a name alone means its newest version.',
  },
  percentile: number(
    0,
    100,
    'The percentile of the normal errors that the threshold is built on; the model has a default.',
  ),
  margin: number(
    1,
    Infinity,
    'The threshold is this factor times that percentile; the model has a default, for the errors of the request itself it is 1.',
  ),
  reference: word(
    ['training', 'request'],
    'Whose errors the percentile is taken of: those of held-out training data (`training`, the default) or those of the request itself, for data unlike the training data.',
  ),
  detectionDirection: word(
    ['both', 'above', 'below'],
    'Which intervals count: where the value goes `above` what was expected, `below` it, or `both` (the default).',
  ),
  minDeviation: number(
    0,
    Infinity,
    'Intervals in which the value nowhere differs from what was expected by as much as this, in the units of the input, do not count (0).',
  ),
  mergeGap: number(0, Infinity, 'Intervals with fewer points than this between them are joined (0).'),
  missing: word(
    ['ignore', 'flag'],
    'Whether points without a value, and the first point after a gap between timestamps, count as anomalous (`flag`) or not for that alone (`ignore`, the default).',
  ),
  points: {
    read: (text) => (text === 'true' || text === 'false' ? text === 'true' : undefined),
    expected: 'true or false',
    meaning: 'Whether the JSON has the arrays with an entry per point (`true`).',
  },
};

/** The names of all options. */
export const optionNames = Object.keys(detectOptions) as (keyof DetectOptions)[];

/** The names of the options of a verdict. */
export const verdictOptionNames = optionNames.filter((name) => name !== 'model' && name !== 'points');

/**
 * Reads options as they come from forms and command lines, as text.
 *
 * @param names those that may come
 * @throws AppError INVALID_PARAMETER that names the option, what was expected and what came
 */
export function parseOptions(raw: Record<string, unknown>, names = optionNames): DetectOptions {
  const options: DetectOptions = { points: true };
  for (const [name, value] of Object.entries(raw)) {
    if (value === undefined) continue;
    Object.assign(options, { [name]: parseOption(name, value, names) });
  }
  return options;
}

function parseOption(name: string, value: unknown, names: (keyof DetectOptions)[]): unknown {
  const known = names.find((candidate) => candidate === name);
  if (known === undefined) {
    const expected = names.join(', ');
    throw new AppError('INVALID_PARAMETER', `Unknown parameter ${quote(name)}: expected one of ${expected}.`, {
      expected,
      received: quote(name),
    });
  }
  const { read, expected } = detectOptions[known];
  const parsed = typeof value === 'string' ? read(value.trim()) : undefined;
  if (parsed !== undefined) return parsed;
  const received = typeof value === 'string' ? quote(value) : 'more than one value';
  throw new AppError('INVALID_PARAMETER', `Parameter ${name}: expected ${expected}, got ${received}.`, {
    parameter: name,
    expected,
    received,
  });
}

function number(min: number, max: number, meaning: string): Option<number> {
  const read = (text: string) => {
    const value = parseNumber(text);
    return value >= min && value <= max && Number.isFinite(value) ? value : undefined;
  };
  const expected = max === Infinity ? `a number of at least ${min}` : `a number from ${min} to ${max}`;
  return { read, expected, meaning };
}

function word<const T extends string>(words: readonly T[], meaning: string): Option<T> {
  return { read: (text) => words.find((candidate) => candidate === text), expected: words.join(' or '), meaning };
}
