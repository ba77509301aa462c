import pRetry from 'p-retry';
import { NotConnected } from './outgoing.js';

/** The other side took the call and refused it. */
export class Refused extends Error {
  constructor(
    what: string,
    /** The HTTP status that it answered. */
    readonly status: number,
  ) {
    super(`${what} was answered ${status}`);
  }
}

/** Which failures are followed by another attempt. */
export type RepeatRule = (error: Error) => boolean;

/** Where a second call would do harm: only a call that never left is repeated. */
export const ifNotConnected: RepeatRule = (error) => error instanceof NotConnected;

/** Where a second call does no harm: all is repeated but what was refused for good. */
export const unlessRefused: RepeatRule = (error) => !('status' in error) || Number(error.status) >= 500;

const FIRST_DELAY_MILLISECONDS = 500;
const LONGEST_DELAY_MILLISECONDS = 30_000;

/**
 * Does something that needs another host, and does it again with growing delays where it fails and the
 * rule allows that.
 *
 * @param seconds how long after the first attempt another one may start
 * @throws the last failure, or the signal's reason
 */
export function persistently<T>(
  attempt: () => Promise<T>,
  rule: RepeatRule,
  seconds: number,
  signal: AbortSignal,
): Promise<T> {
  return pRetry(attempt, {
    retries: Infinity,
    minTimeout: FIRST_DELAY_MILLISECONDS,
    maxTimeout: LONGEST_DELAY_MILLISECONDS,
    randomize: true,
    maxRetryTime: seconds * 1000,
    shouldRetry: ({ error }) => rule(error),
    signal,
  });
}
