import { AppError, quote } from '../errors.js';
import { parseNumber } from './numbers.js';
import type { VerdictOptions } from './verdict.js';

/** What a caller may ask for. */
export interface DetectOptions extends VerdictOptions {
  /** Whether the JSON has the arrays with an entry per point. */
  points: boolean;
}

const readers: Record<keyof DetectOptions, (text: string) => number | boolean | undefined> = {
  percentile: (text) => {
    const value = parseNumber(text.trim());
    return value >= 0 && value <= 100 ? value : undefined;
  },
  points: (text) =>
    new Map([
      ['true', true],
      ['false', false],
    ]).get(text.trim().toLowerCase()),
};

const expectations: Record<keyof DetectOptions, string> = {
  percentile: 'a number from 0 to 100',
  points: 'true or false',
};

/** The names of all options. */
export const optionNames = Object.keys(readers);

/**
 * Reads options as they come from forms and command lines, as text.
 *
 * @throws AppError INVALID_PARAMETER that names the option, what was expected and what came
 */
export function parseOptions(raw: Record<string, unknown>): DetectOptions {
  const options: DetectOptions = { points: true };
  for (const [name, value] of Object.entries(raw)) {
    if (value === undefined) continue;
    Object.assign(options, { [name]: parseOption(name, value) });
  }
  return options;
}

function parseOption(name: string, value: unknown): number | boolean {
  if (!isOption(name)) {
    throw new AppError('INVALID_PARAMETER', `Unknown parameter ${quote(name)}: expected ${optionNames.join(' or ')}.`, {
      expected: optionNames.join(', '),
      received: quote(name),
    });
  }
  const parsed = typeof value === 'string' ? readers[name](value) : undefined;
  if (parsed !== undefined) return parsed;
  const expected = expectations[name];
  const received = typeof value === 'string' ? quote(value) : 'more than one value';
  throw new AppError('INVALID_PARAMETER', `Parameter ${name}: expected ${expected}, got ${received}.`, {
    expected,
    received,
  });
}

function isOption(name: string): name is keyof DetectOptions {
  return Object.hasOwn(readers, name);
}
