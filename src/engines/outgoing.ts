import { lookup as resolveName, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';

/** A call to another host. */
export interface OutgoingCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  body?: string | Uint8Array | Dispatcher.RequestOptions['body'];
  /** How long the whole call may take, answer included. */
  timeoutSeconds: number;
  /**
   * The largest answer that is read, in bytes.
   * @default 1048576
   */
  maxBytes?: number;
  /** Ends the call. */
  signal?: AbortSignal;
}

/** What came back. */
export interface OutgoingAnswer {
  status: number;
  body: Uint8Array;
}

/** The other side never saw the call: no connection came about, so that it may be repeated without harm. */
export class NotConnected extends Error {}

const CONNECT_TIMEOUT_MILLISECONDS = 5000;
const LARGEST_ANSWER = 1024 * 1024;

// Where clouds hand out credentials; no Engine and no storage lives there.
const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');
linkLocal.addAddress('fd00:ec2::254', 'ipv6');

const agent = new Agent({
  // A connection that is kept may be closed by the other side just as a call goes out, and then nobody
  // knows whether the call arrived: each call has its own.
  pipelining: 0,
  connect: { timeout: CONNECT_TIMEOUT_MILLISECONDS, lookup: lookupAllowed() },
});

/**
 * Calls another host. Redirects are not followed: they come back like any other answer.
 *
 * @throws NotConnected where the call never left; Error where it failed later, took too long, or its
 *   answer was too large
 */
export async function call(url: string, options: OutgoingCall): Promise<OutgoingAnswer> {
  const { method, headers, body, timeoutSeconds, maxBytes = LARGEST_ANSWER, signal } = options;
  const { hostname } = new URL(url);
  if (isLinkLocal(hostname.replace(/^\[|\]$/g, ''))) throw new NotConnected(`${hostname} is a link-local address`);
  const tooLate = AbortSignal.timeout(timeoutSeconds * 1000);
  try {
    const answer = await request(url, {
      method,
      headers,
      body: body,
      dispatcher: agent,
      signal: signal ? AbortSignal.any([signal, tooLate]) : tooLate,
    });
    return { status: answer.statusCode, body: await readAtMost(answer.body, maxBytes) };
  } catch (error) {
    if (tooLate.aborted) throw new Error(`no answer within ${timeoutSeconds} s`, { cause: error });
    if (isConnectFailure(error)) throw new NotConnected(error.message, { cause: error });
    throw error;
  }
}

/** Whether an answer says that all went well. */
export function succeeded({ status }: OutgoingAnswer): boolean {
  return status >= 200 && status < 300;
}

/** Reads an answer as JSON, or as undefined where it is none. */
export function readJson({ body }: OutgoingAnswer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

async function readAtMost(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) throw new AnswerTooLarge(maxBytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** An answer of more bytes than were wanted. */
export class AnswerTooLarge extends Error {
  constructor(maxBytes: number) {
    super(`the answer is larger than ${maxBytes} bytes`);
  }
}

function isConnectFailure(error: unknown): error is NodeJS.ErrnoException {
  if (error instanceof AggregateError) return error.errors.every(isConnectFailure);
  if (error instanceof NotConnected) return true;
  const { syscall, code } = error as NodeJS.ErrnoException;
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT';
}

function isLinkLocal(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && linkLocal.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** The lookup of names, without those addresses that no call may go to. */
function lookupAllowed(): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const allowed = (error ? [] : addresses).filter(({ address }) => !isLinkLocal(address));
      const [first] = allowed;
      if (error) callback(error, '', 0);
      else if (!first) callback(new NotConnected(`${hostname} is a link-local address`), '', 0);
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
