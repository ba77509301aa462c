import type { NextFunction, Request, RequestHandler, Response } from 'express';
import multer from 'multer';
import type { Dependencies } from './dependencies.js';
import { AppError } from './errors.js';

/** The form fields that may carry the CSV; the Engines use the first. */
const FILE_FIELDS = ['text', 'file'];
const MULTIPART = 'multipart/form-data';
// Options are few and short; Engines add parts of their own.
const MAX_FIELDS = 20;

/** A CSV as it came, and the other fields of its form. */
export interface Upload {
  csv: Uint8Array;
  options: Record<string, unknown>;
}

/**
 * Middleware that reads a multipart form with one file into memory.
 *
 * Passes on AppError UNSUPPORTED_MEDIA_TYPE, FILE_TOO_LARGE, UNEXPECTED_FIELD, MALFORMED_UPLOAD or,
 * before the upload is read, NOT_READY.
 */
export function receiveCsv(request: Request, response: Response, next: NextFunction): void {
  const { config, readiness } = request.app.locals.dependencies as Dependencies;
  if (readiness.state !== 'ready') {
    next(new AppError('NOT_READY', `The service takes no work now: it is ${readiness.state}.`));
    return;
  }
  if (!request.is(MULTIPART)) {
    next(unsupportedMediaType(request.get('content-type')));
    return;
  }
  const { maxUploadBytes } = config;
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
  const files = (request.files ?? []) as Express.Multer.File[];
  const fields = Object.entries((request.body ?? {}) as Record<string, unknown>);
  // A part without a file name arrives as a text field, but is a CSV all the same.
  const pasted = fields.filter(([name]) => FILE_FIELDS.includes(name)).map(([, text]) => Buffer.from(String(text)));
  const csvs = [...files.map(({ buffer }) => buffer), ...pasted];
  if (csvs.length === 0) {
    throw new AppError('NO_FILE', 'No CSV came with the request: send it in the form field "text".', {
      expected: 'a CSV in the form field "text" or "file"',
    });
  }
  if (csvs.length > 1) throw tooManyFiles();
  const options = Object.fromEntries(fields.filter(([name]) => !FILE_FIELDS.includes(name)));
  return { csv: csvs[0], options: { ...request.query, ...options } };
}

function multipartReader(maxUploadBytes: number): RequestHandler {
  return multer({
    storage: multer.memoryStorage(),
    limits: { fileSize: maxUploadBytes, fieldSize: maxUploadBytes, files: 1, fields: MAX_FIELDS },
    fileFilter: (_request, { fieldname }, accept) => {
      if (FILE_FIELDS.includes(fieldname)) accept(null, true);
      else accept(unexpectedField(fieldname));
    },
  }).any();
}

function uploadError(error: unknown, maxUploadBytes: number): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof multer.MulterError ? error.code : undefined;
  if (code === 'LIMIT_FILE_SIZE' || code === 'LIMIT_FIELD_VALUE') return fileTooLarge(maxUploadBytes);
  if (code === 'LIMIT_FILE_COUNT') return tooManyFiles();
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('MALFORMED_UPLOAD', `The form cannot be read: ${reason}.`, {}, { cause: error });
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
  return new AppError('UNEXPECTED_FIELD', `The file came in the form field "${name}": expected "text".`, {
    expected: 'text',
    received: name,
  });
}

function tooManyFiles(): AppError {
  return new AppError('UNEXPECTED_FIELD', 'More than one CSV came with the request: expected one.', {
    expected: 'one file',
  });
}
