import type { NextFunction, Request, RequestHandler, Response } from 'express';
import multer from 'multer';
import type { Dependencies } from './dependencies.js';
import { AppError, quote } from './errors.js';
import type { ReadinessState } from './readiness.js';
import { overloadedError } from './workers/detector.js';

/** The form fields that may carry the CSV; the Engines use the first. */
const FILE_FIELDS = ['text', 'file'];
const MULTIPART = 'multipart/form-data';
// Options are few and short.
const MAX_FIELDS = 20;
const MAX_FIELD_BYTES = 1024;
// What a form adds to its file.
const FORM_BYTES = 64 * 1024;

/** A CSV as it came, and the other fields of its form. */
export interface Upload {
  csv: Uint8Array;
  options: Record<string, unknown>;
}

/**
 * Middleware that reads a multipart form with one file into memory.
 *
 * Passes on AppError UNSUPPORTED_MEDIA_TYPE, FILE_TOO_LARGE, NOT_READY or OVERLOADED before the upload
 * is read, and FILE_TOO_LARGE, UNEXPECTED_FIELD, NO_FILE or MALFORMED_UPLOAD while it is.
 */
export function receiveCsv(request: Request, response: Response, next: NextFunction): void {
  const { config, detector, readiness } = request.app.locals.dependencies as Dependencies;
  const { maxUploadBytes } = config;
  const refusal = refuseUnread(request, readiness.state, detector.overloaded, maxUploadBytes);
  if (refusal) {
    next(refusal);
    return;
  }
  multipartReader(maxUploadBytes)(request, response, (error?: unknown) => {
    next(error === undefined ? undefined : uploadError(error, maxUploadBytes));
  });
}

/**
 * Takes the CSV and the options from a request that {@link receiveCsv} has read.
 *
 * @throws AppError NO_FILE where none came
 */
export function uploadedCsv(request: Request): Upload {
  const [file] = (request.files ?? []) as Express.Multer.File[];
  if (file) return { csv: file.buffer, options: { ...request.query, ...(request.body as Record<string, unknown>) } };
  throw new AppError('NO_FILE', 'No CSV came with the request: send it as a file in the form field "text".', {
    expected: 'a file in the form field "text" or "file"',
  });
}

/** What speaks against reading the upload at all. */
function refuseUnread(
  request: Request,
  state: ReadinessState,
  overloaded: boolean,
  maxUploadBytes: number,
): AppError | undefined {
  if (state !== 'ready') return new AppError('NOT_READY', `The service takes no work now: it is ${state}.`);
  if (!request.is(MULTIPART)) return unsupportedMediaType(request.get('content-type'));
  if (overloaded) return overloadedError();
  if (Number(request.get('content-length')) > maxUploadBytes + FORM_BYTES) return fileTooLarge(maxUploadBytes);
  return undefined;
}

function multipartReader(maxUploadBytes: number): RequestHandler {
  return multer({
    storage: multer.memoryStorage(),
    limits: {
      fileSize: maxUploadBytes,
      files: 1,
      fields: MAX_FIELDS,
      fieldSize: MAX_FIELD_BYTES,
      fieldNestingDepth: 0,
    },
    fileFilter: (_request, { fieldname }, accept) => {
      if (FILE_FIELDS.includes(fieldname)) accept(null, true);
      else accept(unexpectedField(fieldname));
    },
  }).any();
}

function uploadError(error: unknown, maxUploadBytes: number): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof multer.MulterError) return multerError(error, maxUploadBytes);
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('MALFORMED_UPLOAD', `The form cannot be read: ${reason}.`, {}, { cause: error });
}

function multerError(error: multer.MulterError, maxUploadBytes: number): AppError {
  const { code, field = '' } = error;
  if (code === 'LIMIT_FILE_SIZE') return fileTooLarge(maxUploadBytes);
  if (code === 'LIMIT_FILE_COUNT') return tooManyFiles();
  if (code === 'LIMIT_FIELD_VALUE' && FILE_FIELDS.includes(field)) {
    return new AppError('NO_FILE', `The field "${field}" came without a file name: send the CSV as a file.`);
  }
  const received = quote(field);
  return new AppError('UNEXPECTED_FIELD', `The form cannot be taken: ${error.message}, field ${received}.`, {
    received,
  });
}

function unsupportedMediaType(received: string | undefined): AppError {
  return new AppError(
    'UNSUPPORTED_MEDIA_TYPE',
    `Expected a form (${MULTIPART}) with the CSV in the field "text", got ${received ?? 'no content type'}.`,
    { expected: MULTIPART, received: received ?? 'none' },
  );
}

function fileTooLarge(maxUploadBytes: number): AppError {
  return new AppError('FILE_TOO_LARGE', `The CSV is larger than the limit of ${maxUploadBytes} bytes.`, {
    expected: `at most ${maxUploadBytes} bytes`,
  });
}

function unexpectedField(name: string): AppError {
  return new AppError('UNEXPECTED_FIELD', `The file came in the form field ${quote(name)}: expected "text".`, {
    expected: 'text',
    received: quote(name),
  });
}

function tooManyFiles(): AppError {
  return new AppError('UNEXPECTED_FIELD', 'More than one CSV came with the request: expected one.', {
    expected: 'one file',
  });
}
