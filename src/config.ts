import { availableParallelism } from 'node:os';
import { z } from 'zod';

const MEBIBYTE = 1024 * 1024;

/** A setting: how its text is checked, what it is without one, and what it means. */
interface Setting<T> {
  schema: z.ZodType<T>;
  default: string;
  meaning: string;
}

/** Every setting by the name of its environment variable. */
export const settings = {
  HOST: setting(z.string(), '0.0.0.0', 'The address to listen on.'),
  PORT: setting(wholeNumber(0, 65_535), '8282', 'The port to listen on; 0 takes a free one.'),
  LOG_LEVEL: setting(
    z.enum(['error', 'warn', 'info', 'debug']),
    'info',
    'What is logged: `error`, `warn`, `info` or `debug`.',
  ),
  MODEL_PATH: setting(z.string(), 'model/model.onnx', 'The model file to serve.'),
  MAX_UPLOAD_BYTES: setting(
    wholeNumber(1, 500 * MEBIBYTE),
    String(128 * MEBIBYTE),
    'The largest CSV that is accepted, in bytes.',
  ),
  WORKERS: setting(
    wholeNumber(0, 256),
    '0',
    'Worker threads that compute, each with the model loaded; 0 takes one for each processor core.',
  ),
  MAX_QUEUE: setting(wholeNumber(1, 100_000), '50', 'Requests that may wait for a worker; more are answered 503.'),
  SHUTDOWN_GRACE_SECONDS: setting(
    wholeNumber(0, 3600),
    '25',
    'How long requests under way may take to finish after SIGTERM.',
  ),
};

/** The checked configuration. */
export interface Config {
  host: string;
  port: number;
  logLevel: string;
  modelPath: string;
  maxUploadBytes: number;
  workers: number;
  maxQueue: number;
  shutdownGraceSeconds: number;
}

/**
 * Reads the configuration from environment variables; an empty one counts as not set.
 *
 * @throws Error that names each variable that is wrong, what was expected and what came
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];
  const read = <T>(name: keyof typeof settings, { schema, default: fallback }: Setting<T>): T => {
    const text = environment[name] || fallback;
    const checked = schema.safeParse(text);
    if (checked.success) return checked.data;
    problems.push(`${name}: ${checked.error.issues[0].message}, got "${text}"`);
    return undefined as T;
  };
  const config: Config = {
    host: read('HOST', settings.HOST),
    port: read('PORT', settings.PORT),
    logLevel: read('LOG_LEVEL', settings.LOG_LEVEL),
    modelPath: read('MODEL_PATH', settings.MODEL_PATH),
    maxUploadBytes: read('MAX_UPLOAD_BYTES', settings.MAX_UPLOAD_BYTES),
    workers: read('WORKERS', settings.WORKERS) || availableParallelism(),
    maxQueue: read('MAX_QUEUE', settings.MAX_QUEUE),
    shutdownGraceSeconds: read('SHUTDOWN_GRACE_SECONDS', settings.SHUTDOWN_GRACE_SECONDS),
  };
  if (problems.length > 0) throw new Error(`The configuration is wrong.\n${problems.join('\n')}`);
  return config;
}

function setting<T>(schema: z.ZodType<T>, defaultText: string, meaning: string): Setting<T> {
  return { schema, default: defaultText, meaning };
}

function wholeNumber(min: number, max: number): z.ZodType<number> {
  const message = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}
