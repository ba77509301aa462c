import { createReadStream, readFileSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { Agent, Client } from 'undici';
import type { Output } from './figures.js';

const BOUNDARY = 'bench-7MA4YWxkTrZu0gW';
const LONGEST_MILLISECONDS = 900_000;
const READ_BYTES = 1024 * 1024;

// A long series may be computed for minutes before the answer begins.
const agent = new Agent({ headersTimeout: LONGEST_MILLISECONDS, bodyTimeout: LONGEST_MILLISECONDS });

/** An answer that was read and dropped. */
export interface Answer {
  seconds: number;
  bytes: number;
}

/** What requests under load came to. */
export interface Load {
  seconds: number;
  /** Milliseconds of each request that was answered 200. */
  latencies: number[];
  /** How many were answered otherwise. */
  refused: number;
}

/**
 * Sends a CSV from its file and reads the answer to its end, keeping neither.
 *
 * @throws Error where the answer is not 200
 */
export async function post(url: string, file: string, output: Output): Promise<Answer> {
  const started = performance.now();
  const { head, tail } = form(output);
  const { body, statusCode } = await agent.request({
    origin: url,
    ...target(output, head.length + statSync(file).size + tail.length),
    body: Readable.from(streamed(head, file, tail), { objectMode: false }),
  });
  let bytes = 0;
  for await (const piece of body) bytes += (piece as Buffer).length;
  if (statusCode !== 200) throw new Error(`status ${statusCode}`);
  return { seconds: (performance.now() - started) / 1000, bytes };
}

/** Sends a CSV and reads the JSON that answers. */
export async function ask(url: string, file: string, output: Output): Promise<unknown> {
  const body = wholeForm(file, output);
  const answer = await agent.request({ origin: url, ...target(output, body.length), body });
  return answer.body.json();
}

/** Sends a CSV again and again over so many connections, each waiting for its answer, until told to stop. */
export async function hammer(
  url: string,
  file: string,
  output: Output,
  connections: number,
  stopped: Promise<unknown>,
): Promise<Load> {
  const load: Load = { seconds: 0, latencies: [], refused: 0 };
  const body = wholeForm(file, output);
  const request = { ...target(output, body.length), body };
  let stop = false;
  const started = performance.now();
  const loops = Array.from({ length: connections }, async () => {
    const client = new Client(url, { headersTimeout: LONGEST_MILLISECONDS });
    try {
      while (!stop) await timeOne(client, request, load);
    } finally {
      await client.destroy();
    }
  });
  await Promise.all([stopped.finally(() => (stop = true)), ...loops]);
  load.seconds = (performance.now() - started) / 1000;
  return load;
}

async function timeOne(client: Client, request: Parameters<Client['request']>[0], load: Load): Promise<void> {
  const sent = performance.now();
  const answer = await client.request(request);
  await answer.body.arrayBuffer();
  if (answer.statusCode === 200) load.latencies.push(performance.now() - sent);
  else load.refused += 1;
}

function target(output: Output, length: number) {
  return {
    path: '/compute',
    method: 'POST' as const,
    headers: {
      accept: output === 'csv' ? 'text/csv' : 'application/json',
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': String(length),
    },
  };
}

async function* streamed(head: Buffer, file: string, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  yield* createReadStream(file, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>;
  yield tail;
}

function wholeForm(file: string, output: Output): Buffer {
  const { head, tail } = form(output);
  return Buffer.concat([head, readFileSync(file), tail]);
}

/** What comes before and after the file, in the order in which the README's example sends it. */
function form(output: Output): { head: Buffer; tail: Buffer } {
  const disposition = (field: string) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"`;
  const head = `${disposition('text')}; filename="series.csv"\r\nContent-Type: text/csv\r\n\r\n`;
  const tail = `\r\n${disposition('points')}\r\n\r\n${output === 'arrays'}\r\n--${BOUNDARY}--\r\n`;
  return { head: Buffer.from(head), tail: Buffer.from(tail) };
}
