import { inspect } from 'node:util';
import { ValidateError } from '@tsoa/runtime';
import type { ErrorRequestHandler } from 'express';
import { AppError, type ErrorCode, type ErrorDetails } from './errors.js';
import type { Logger } from './logger.js';

/** Every error answer has this form. */
export interface ErrorAnswer {
  /** A stable name to branch on. */
  code: ErrorCode;
  /** What is wrong, for people. */
  message: string;
  /** Where it is wrong and what was expected. */
  details: ErrorDetails;
  /** The request's id, as in the header X-Request-Id and in the log. */
  requestId: string;
}

/** Every error answer of the Open Inference Protocol has this form. */
export interface OpenInferenceError {
  /** The error's code and what is wrong, for people. */
  error: string;
}

const OPEN_INFERENCE = /^\/v2(\/|$)/;
// Set by then, and not true of an error.
const HEADERS_OF_FILES = ['Cache-Control', 'ETag', 'Last-Modified'];
const RETRY_AFTER_SECONDS = '5';
const refusals: Record<number, ErrorCode> = { 412: 'PRECONDITION_FAILED', 416: 'RANGE_NOT_SATISFIABLE' };

/** Answers every error in one form; what is not foreseen is a 500 that tells nothing and is logged whole. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  return (thrown, request, response, _next) => {
    const requestId = response.locals.requestId as string;
    const error = toAppError(thrown);
    if (request.socket.destroyed) {
      logger.warn('the client went away before it had its answer', { requestId });
      response.destroy();
      return;
    }
    if (error.status >= 500 && error.status !== 503) {
      logger.error('request failed', { requestId, error: describeError(thrown) });
    }
    response.locals.errorCode = error.code;
    if (response.headersSent) {
      // The status is out: only an answer that breaks off tells that it is not whole.
      response.locals.brokenOffWith = error.status;
      response.destroy();
      return;
    }
    if (error.status === 503) response.set('Retry-After', RETRY_AFTER_SECONDS);
    const { code, message, details, status } = error;
    for (const header of HEADERS_OF_FILES) response.removeHeader(header);
    response
      .status(status)
      .type('json')
      .json(
        OPEN_INFERENCE.test(request.path)
          ? ({ error: `${code}: ${message}` } satisfies OpenInferenceError)
          : ({ code, message, details, requestId } satisfies ErrorAnswer),
      );
  };
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof ValidateError) return wrongParameter(thrown);
  // A path that cannot be decoded: Express's router says so.
  if (thrown instanceof URIError) {
    return new AppError('INVALID_PARAMETER', `The path cannot be read: ${thrown.message}.`, {}, { cause: thrown });
  }
  return refusedFile(thrown) ?? new AppError('INTERNAL', 'Something went wrong on our side.', {}, { cause: thrown });
}

/** What Express has against the headers of a request for a file. */
function refusedFile(thrown: unknown): AppError | undefined {
  const { status, message } = Object(thrown) as { status?: number; message?: string };
  if (status === undefined || status < 400 || status >= 500) return undefined;
  const code = refusals[status] ?? 'INVALID_PARAMETER';
  return new AppError(code, `The request cannot be answered: ${message ?? status}.`, {}, { cause: thrown });
}

/** What tsoa finds wrong with a parameter. */
function wrongParameter({ fields }: ValidateError): AppError {
  const [[name, { message }]] = Object.entries(fields);
  return new AppError('INVALID_PARAMETER', `Parameter ${name}: ${message}.`);
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return inspect(error);
  return { message: error.message, stack: error.stack, cause: error.cause && describeError(error.cause) };
}
