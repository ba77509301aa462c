import type { NextFunction, Request, Response } from 'express';
import type { Dependencies } from './dependencies.js';
import { AppError, overloadedError, quote } from './errors.js';
import { addressOf } from './inference/model-repository.js';
import { MOST_JSON_BYTES } from './open-inference/request.js';
import type { SpooledUpload } from './spool.js';
import type { InferRequest } from './workers/detect-worker.js';

const HEADER_LENGTH = 'inference-header-content-length';

/**
 * Middleware that takes in the body of an inference request, whatever it is called: clients send it
 * without a media type.
 *
 * Passes on AppError NOT_READY, OVERLOADED, UNKNOWN_MODEL, UNSUPPORTED_MEDIA_TYPE, INVALID_PARAMETER or
 * FILE_TOO_LARGE, before the body is read where that can be known.
 */
export function receiveTensors(request: Request, response: Response, next: NextFunction): void {
  receive(request, response).then(() => next(), next);
}

/** A body that was taken in. */
type ReceivedTensors = Omit<InferRequest, 'model'> & { upload: SpooledUpload };

/** The body that {@link receiveTensors} has taken in. */
export function receivedTensors(response: Response): ReceivedTensors {
  return response.locals.tensors as ReceivedTensors;
}

/** The model that the path names, where it may leave out the version. */
export function namedModel({ name, version }: { name: string; version?: string }): string {
  return version === undefined ? name : addressOf({ name, version });
}

async function receive(request: Request, response: Response): Promise<void> {
  const { config, queue, spool, readiness, detector } = request.app.locals.dependencies as Dependencies;
  if (readiness.refusal) throw readiness.refusal;
  if (queue.overloaded) throw overloadedError();
  detector.choose(namedModel(request.params as { name: string; version?: string }));
  const headerLength = headerLengthOf(request);
  checkEncoding(request);
  const mostBytes = Math.min(headerLength === undefined ? MOST_JSON_BYTES : Infinity, config.maxUploadBytes);
  if (Number(request.get('content-length')) > mostBytes) throw tooLarge(mostBytes);
  const upload = await spool.receive(upTo(mostBytes, request));
  if (response.closed) {
    upload.release();
    throw new AppError('MALFORMED_UPLOAD', 'The connection was closed before the answer.');
  }
  response.once('close', () => upload.release());
  response.locals.tensors = { body: upload.input, headerLength, upload } satisfies ReceivedTensors;
}

function headerLengthOf(request: Request): number | undefined {
  const text = request.get(HEADER_LENGTH);
  if (text === undefined) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const expected = 'a number of bytes';
  throw new AppError('INVALID_PARAMETER', `Header ${HEADER_LENGTH}: expected ${expected}, got ${quote(text)}.`, {
    expected,
    received: quote(text),
  });
}

function checkEncoding(request: Request): void {
  const encoding = request.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return;
  const expected = 'a body that is not compressed';
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Expected ${expected}, got Content-Encoding ${quote(encoding)}.`, {
    expected,
    received: quote(encoding),
  });
}

async function* upTo(mostBytes: number, request: Request): AsyncGenerator<Buffer> {
  let bytes = 0;
  // The connection stays, so that the refusal can be answered.
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > mostBytes) throw tooLarge(mostBytes);
    yield piece;
  }
}

function tooLarge(mostBytes: number): AppError {
  const expected = `at most ${mostBytes} bytes`;
  const advice = mostBytes === MOST_JSON_BYTES ? ' Longer series are taken as binary tensors.' : '';
  return new AppError('FILE_TOO_LARGE', `The request is larger than expected: ${expected}.${advice}`, { expected });
}
