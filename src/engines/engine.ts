import { call, type OutgoingAnswer, type OutgoingCall, readJson, succeeded } from './outgoing.js';

/** The generations of Engines: A is csia-pme's, B is the core-engine of the Swiss AI Center. */
export type Generation = 'A' | 'B';

/** An Engine as a place to register with, whatever its generation. */
export interface Engine {
  readonly generation: Generation;
  /** How often it wants to hear from us. */
  readonly heartbeatSeconds: number;
  /**
   * Makes the service known, as it is now.
   *
   * @throws Error where the Engine does not take it
   */
  announce(): Promise<void>;
  /**
   * Says that the service is alive.
   *
   * @returns whether the Engine knows the service and sends it tasks
   * @throws Error where the Engine cannot be reached
   */
  heartbeat(): Promise<boolean>;
  /** Takes the service out. */
  leave(): Promise<void>;
}

const TIMEOUT_SECONDS = 10;
const LARGEST_DOCUMENT = 16 * 1024 * 1024;

/**
 * Tells an Engine's generation by the routes that it publishes.
 *
 * @throws Error where it is no Engine that we know
 */
export async function recogniseGeneration(url: string): Promise<Generation> {
  const document = readJson(await ask(url, 'GET', '/openapi.json', undefined, LARGEST_DOCUMENT));
  const paths = (document as { paths?: object } | undefined)?.paths ?? {};
  if ('/services/slug/{service_slug}' in paths) return 'B';
  if ('/services/{serviceName}' in paths) return 'A';
  throw new Error('it publishes the routes of neither generation of Engines');
}

/** Calls a route of an Engine. */
export function ask(
  engineUrl: string,
  method: OutgoingCall['method'],
  path: string,
  body?: object,
  maxBytes?: number,
): Promise<OutgoingAnswer> {
  return call(`${engineUrl.replace(/\/$/, '')}${path}`, {
    method,
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body && JSON.stringify(body),
    timeoutSeconds: TIMEOUT_SECONDS,
    maxBytes,
  });
}

/**
 * Passes an answer on that says that all went well.
 *
 * @throws Error with the status and the beginning of the text where it does not
 */
export function expectSuccess(answer: OutgoingAnswer, what: string): OutgoingAnswer {
  if (succeeded(answer)) return answer;
  const text = new TextDecoder().decode(answer.body.subarray(0, 200));
  throw new Error(`${what} was answered ${answer.status} ${text}`);
}
