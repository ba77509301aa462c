import { availableParallelism } from 'node:os';
import { z } from 'zod';
import type { ConfiguredEngine } from './engines/registration.js';

const MEBIBYTE = 1024 * 1024;

/** A setting: how its text is checked, what it is without one, and what it means. */
interface Setting<T> {
  schema: z.ZodType<T>;
  default: string;
  meaning: string;
  /** Whether what came must not be told. */
  isSecret?: boolean;
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
  MODEL_PATH: setting(
    z.string(),
    'model',
    'What is served: a folder of models, `<name>/<version>/model.onnx` in it, or one model file.',
  ),
  DEFAULT_MODEL: setting(
    z.string(),
    '',
    'The model that answers where a request names none, as `name` or `name/version`; without it the first name in alphabetical order.',
  ),
  RELOAD_TOKEN: {
    ...setting(
      // What a header can carry.
      z.string().regex(/^$|^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'expected ASCII characters, no space at an end'),
      '',
      'Whoever sends this token may have the models read anew by `POST /models/reload`; without it nobody may.',
    ),
    isSecret: true,
  },
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
  MAX_TASKS: setting(
    wholeNumber(1, 100_000),
    '50',
    'Requests and tasks of Engines that may wait, tasks until they are delivered; more are answered 503.',
  ),
  SHUTDOWN_GRACE_SECONDS: setting(
    wholeNumber(0, 3600),
    '25',
    'How long requests and tasks under way may take to finish after SIGTERM.',
  ),
  ENGINE_URLS: setting(
    engineUrls(),
    '',
    'The Engines to register with: addresses separated by commas, or a JSON list of addresses or of `{"url", "generation"}`.',
  ),
  ENGINE_GENERATION: setting(
    z.enum(['auto', 'A', 'B']),
    'auto',
    'The generation of Engines that do not say theirs: `A` (csia-pme), `B` (core-engine), or `auto`, which asks each Engine.',
  ),
  SERVICE_URL: setting(
    z.union([z.literal(''), httpUrl()]),
    '',
    'Where Engines reach this service; without it `http://`, the host name and the port.',
  ),
  ENGINE_ANNOUNCE_RETRIES: setting(
    wholeNumber(1, 1000),
    '5',
    'Attempts after which it is logged as an error that an Engine has not taken the service; attempts go on.',
  ),
  ENGINE_ANNOUNCE_RETRY_DELAY: setting(
    wholeNumber(1, 60),
    '3',
    'Seconds before the second attempt to register; twice as many before each further one, up to 60.',
  ),
  CALLBACK_HOSTS: setting(
    hosts(),
    '',
    'Hosts besides those of ENGINE_URLS that outcomes may be delivered to, separated by commas.',
  ),
  STORAGE_HOSTS: setting(
    hosts(),
    '',
    'The hosts of storage that tasks may name, separated by commas; without them any, where the callback is allowed.',
  ),
  DELIVERY_SECONDS: setting(
    wholeNumber(0, 86_400),
    '600',
    'How long an outcome that cannot be delivered is tried again, where the Engine allows that.',
  ),
};

/** The checked configuration. */
export interface Config {
  host: string;
  port: number;
  logLevel: string;
  modelPath: string;
  /** Undefined where it is the first one. */
  defaultModel: string | undefined;
  /** Undefined where nobody may have the models read anew. */
  reloadToken: string | undefined;
  maxUploadBytes: number;
  workers: number;
  maxTasks: number;
  shutdownGraceSeconds: number;
  engines: ConfiguredEngine[];
  /** Without a slash at the end; empty where it is the host name and the port. */
  serviceUrl: string;
  announceRetries: number;
  announceRetryDelay: number;
  callbackHosts: string[];
  storageHosts: string[];
  deliverySeconds: number;
}

/**
 * Reads the configuration from environment variables; an empty one counts as not set.
 *
 * @throws Error that names each variable that is wrong, what was expected and what came
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];
  const read = <T>(name: keyof typeof settings, { schema, default: fallback, isSecret }: Setting<T>): T => {
    const text = environment[name] || fallback;
    const checked = schema.safeParse(text);
    if (checked.success) return checked.data;
    problems.push(`${name}: ${checked.error.issues[0].message}, got ${isSecret ? 'something else' : `"${text}"`}`);
    return undefined as T;
  };
  const generation = read('ENGINE_GENERATION', settings.ENGINE_GENERATION);
  const known = generation === 'auto' ? {} : { generation };
  const config: Config = {
    host: read('HOST', settings.HOST),
    port: read('PORT', settings.PORT),
    logLevel: read('LOG_LEVEL', settings.LOG_LEVEL),
    modelPath: read('MODEL_PATH', settings.MODEL_PATH),
    defaultModel: read('DEFAULT_MODEL', settings.DEFAULT_MODEL) || undefined,
    reloadToken: read('RELOAD_TOKEN', settings.RELOAD_TOKEN) || undefined,
    maxUploadBytes: read('MAX_UPLOAD_BYTES', settings.MAX_UPLOAD_BYTES),
    workers: read('WORKERS', settings.WORKERS) || availableParallelism(),
    maxTasks: read('MAX_TASKS', settings.MAX_TASKS),
    shutdownGraceSeconds: read('SHUTDOWN_GRACE_SECONDS', settings.SHUTDOWN_GRACE_SECONDS),
    engines: (read('ENGINE_URLS', settings.ENGINE_URLS) ?? []).map((engine) => ({ ...known, ...engine })),
    serviceUrl: (read('SERVICE_URL', settings.SERVICE_URL) ?? '').replace(/\/+$/, ''),
    announceRetries: read('ENGINE_ANNOUNCE_RETRIES', settings.ENGINE_ANNOUNCE_RETRIES),
    announceRetryDelay: read('ENGINE_ANNOUNCE_RETRY_DELAY', settings.ENGINE_ANNOUNCE_RETRY_DELAY),
    callbackHosts: read('CALLBACK_HOSTS', settings.CALLBACK_HOSTS),
    storageHosts: read('STORAGE_HOSTS', settings.STORAGE_HOSTS),
    deliverySeconds: read('DELIVERY_SECONDS', settings.DELIVERY_SECONDS),
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

function httpUrl(): z.ZodType<string> {
  return z.url({ protocol: /^https?$/, message: 'expected an http or https address' });
}

function hosts(): z.ZodType<string[]> {
  return z.string().transform(splitAtCommas);
}

/** Addresses separated by commas, or a JSON list of addresses or of objects with a generation. */
function engineUrls(): z.ZodType<ConfiguredEngine[]> {
  const message = 'expected http or https addresses separated by commas, or a JSON list of them';
  const engine = z.union([
    httpUrl().transform((url) => ({ url })),
    z.strictObject({ url: httpUrl(), generation: z.enum(['A', 'B']).optional() }),
  ]);
  return z.string().transform((text, context) => {
    const checked = z.array(engine).safeParse(text.trim().startsWith('[') ? parseJson(text) : splitAtCommas(text));
    if (checked.success) return checked.data;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

function splitAtCommas(text: string): string[] {
  return text.split(',').flatMap((part) => part.trim() || []);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
