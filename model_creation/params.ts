import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { AppError, quote } from '../src/errors.js';

const count = z.number().int().positive();

const paramsSchema = z.strictObject({
  /** How the model introduces itself. */
  model: z.strictObject({
    name: z.string(),
    version: z.string(),
    description: z.string().optional(),
    date: z.iso.date().optional(),
  }),
  prepare: z.strictObject({
    /** Parts of the series of which each in turn is left out of a fit, to calibrate. */
    blocks: z.number().int().min(2),
    /** What counts as a period, in points. */
    period: z.strictObject({ shortest: count, longest: count, fallback: count }),
  }),
  train: z.strictObject({
    /** Windows of the heads that see shapes, as shares of the period. */
    shapeWindows: z.array(z.number().positive()).min(1),
    /** Window of the head that sees levels, as a share of the period. */
    levelWindow: z.number().positive(),
    /** About how many windows of a head cover a point when it is scored: what scoring costs. */
    windowsPerPoint: count,
    /** The same when the head is fitted: what it can remember. */
    trainingWindowsPerPoint: count,
    /** Normal shapes that a head remembers. */
    prototypes: count,
    /** Windows that a head is fitted to, at most, evenly spread. */
    trainingWindows: count,
    /** Passes over the training windows. */
    epochs: z.number().int().nonnegative(),
    /** Where likeness falls off, as a share of the mean squared distance of held-out windows to the nearest prototype. */
    temperature: z.number().positive(),
    /** The least of it, per value, in scaled units. */
    smallestTemperature: z.number().positive(),
    /** What is added to the variance of a window before it is divided by its root, in scaled units. */
    varianceFloor: z.number().positive(),
    /** The seed of every random choice. */
    seed: z.number().int(),
  }),
  export: z.strictObject({
    /** The percentile of a head's held-out errors that its error is divided by, 0 to 100. */
    errorScalePercentile: z.number().min(0).max(100),
    /** The weight of the level head in the error, 0 to 1; that of the others is the rest. */
    levelWeight: z.number().min(0).max(1),
    /** The default percentile of the normal errors that the threshold is built on, 0 to 100. */
    percentile: z.number().min(0).max(100),
    /** The factor between that percentile and the threshold, 1 or more. */
    margin: z.number().min(1),
  }),
  evaluate: z.strictObject({
    /** The first and the last anomalous point of the test series, counted from 0. */
    anomaly: z.tuple([z.number().int(), z.number().int()]),
    /** How far from the anomaly, in points, the largest error may lie and still count as found. */
    tolerance: z.number().int().nonnegative(),
  }),
});

/** All numbers of model creation. */
export type Params = z.infer<typeof paramsSchema>;

/**
 * Reads and checks `params.yaml`.
 *
 * @throws AppError INVALID_PARAMETER that names each entry that is wrong, what was expected and what came
 */
export function readParams(path: string): Params {
  const content = parseYaml(path);
  const checked = paramsSchema.safeParse(content);
  if (checked.success) return checked.data;
  throw invalid(path, checked.error.issues.map((issue) => describe(issue, content)).join('\n'));
}

function parseYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw invalid(path, (cause as Error).message.trimEnd());
  }
}

function describe({ path, message }: z.core.$ZodIssue, content: unknown): string {
  const entry = path.length === 0 ? 'the whole' : path.map(String).join('.');
  const received = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], content);
  const expected = message.replace(/^Invalid input: /, '').replace(/, received .*/, '');
  return `  ${entry}: ${expected}${got(received)}`;
}

function got(received: unknown): string {
  if (received === undefined) return ', got nothing';
  return typeof received === 'string' || typeof received === 'number' ? `, got ${quote(`${received}`)}` : '';
}

function invalid(path: string, problems: string): AppError {
  return new AppError('INVALID_PARAMETER', `${path} is no file of parameters:\n${problems}`);
}
