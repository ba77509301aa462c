import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import multer from 'multer';
import type { Dependencies } from './dependencies.js';
import { AppError, overloadedError, quote } from './errors.js';
import type { Spool, SpooledUpload } from './spool.js';
import type { TaskInput } from './tasks/task.js';

/** The form fields that may carry the CSV; the Engines use the first. */
const FILE_FIELDS = ['text', 'file'];
/** What an Engine of generation A adds to every form; nothing in it is for us. */
const ENGINE_FIELD = 'data';
/** Query parameters that are no options: an Engine of generation A names its task by them. */
const ENGINE_QUERY = ['callback_url', 'task_id'];
const MULTIPART = 'multipart/form-data';
const JSON_TYPE = 'application/json';
// Options are few and short.
const MAX_FIELDS = 20;
const MAX_FIELD_BYTES = 1024;
// What a form adds to its file.
const FORM_BYTES = 64 * 1024;

/** Whether the outcome is to be called back to an Engine of generation A. */
export function hasCallback(request: Request): boolean {
  return request.query.callback_url !== undefined;
}

/**
 * Middleware that reads a form with one file, or a JSON body.
 *
 * Passes on AppError UNSUPPORTED_MEDIA_TYPE, FILE_TOO_LARGE, NOT_READY or OVERLOADED before the body
 * is read, and FILE_TOO_LARGE, UNEXPECTED_FIELD, NO_FILE or MALFORMED_UPLOAD while it is. An Engine of
 * generation A would send a refused file again and again: what is wrong with its file is kept for the
 * callback instead; where there is no room for it as yet it may.
 */
export function receiveCsv(request: Request, response: Response, next: NextFunction): void {
  const { config, queue, spool, readiness } = request.app.locals.dependencies as Dependencies;
  const { maxUploadBytes } = config;
  const refusal = readiness.refusal ?? refuseUnread(request, queue.overloaded, maxUploadBytes);
  if (refusal) {
    next(refusal);
    return;
  }
  const read = request.is(MULTIPART)
    ? formReader(spool, maxUploadBytes)
    : express.json({ limit: maxUploadBytes, inflate: false });
  read(request, response, (error?: unknown) => {
    const problem = error === undefined ? undefined : uploadError(error, maxUploadBytes);
    response.locals.uploadError = problem;
    const isTold = hasCallback(request) && (problem?.status ?? 0) < 500;
    next(isTold ? undefined : problem);
  });
}

/**
 * Takes the CSV and the options from a request that {@link receiveCsv} has read.
 *
 * @throws AppError NO_FILE where none came, or what was wrong with the one that came
 */
export function uploadedCsv(request: Request): TaskInput {
  const problem = request.res?.locals.uploadError as AppError | undefined;
  if (problem) throw problem;
  const query = Object.entries(request.query).filter(([name]) => !ENGINE_QUERY.includes(name));
  const options = { ...Object.fromEntries(query), ...(request.body as Record<string, unknown> | undefined) };
  const upload = request.res?.locals.upload as SpooledUpload | undefined;
  if (upload) return { csv: upload.input, options, upload };
  if (request.is(JSON_TYPE)) return csvInJson(options);
  throw new AppError('NO_FILE', 'No CSV came with the request: send it as a file in the form field "text".', {
    expected: 'a file in the form field "text" or "file"',
  });
}

function csvInJson({ text, ...options }: Record<string, unknown>): TaskInput {
  if (typeof text !== 'string') {
    const expected = 'a JSON object with the CSV as a text in the field "text"';
    throw new AppError('NO_FILE', `No CSV came with the request: expected ${expected}.`, { expected });
  }
  const texts = Object.entries(options).map(([name, value]) => [name, isPlain(value) ? String(value) : value]);
  return { csv: { bytes: Buffer.from(text) }, options: Object.fromEntries(texts) as Record<string, unknown> };
}

function isPlain(value: unknown): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

/** What speaks against reading the body at all. */
function refuseUnread(request: Request, overloaded: boolean, maxUploadBytes: number): AppError | undefined {
  if (!request.is([MULTIPART, JSON_TYPE])) return unsupportedMediaType(request.get('content-type'));
  if (overloaded) return overloadedError();
  const tooLarge = Number(request.get('content-length')) > maxUploadBytes + FORM_BYTES;
  return tooLarge && !hasCallback(request) ? fileTooLarge(maxUploadBytes) : undefined;
}

/** Where multer puts the files of a form: the CSV goes with the answer, unless a task retains it. */
function spoolStorage(spool: Spool): multer.StorageEngine {
  return {
    _handleFile({ res }, { fieldname, stream }, callback) {
      if (!isCsvField(fieldname)) {
        stream.resume().once('end', () => callback(null));
        return;
      }
      spool.receive(stream).then((upload) => {
        if (!res || res.closed) {
          upload.release();
        } else {
          res.locals.upload = upload;
          res.once('close', () => upload.release());
        }
        callback(null);
      }, callback);
    },
    _removeFile(_request, _file, callback) {
      callback(null);
    },
  };
}

function formReader(spool: Spool, maxUploadBytes: number): RequestHandler {
  return multer({
    storage: spoolStorage(spool),
    limits: {
      fileSize: maxUploadBytes,
      files: 2,
      fields: MAX_FIELDS,
      fieldSize: MAX_FIELD_BYTES,
      fieldNestingDepth: 0,
    },
    fileFilter: (request, { fieldname }, accept) => {
      // The file that is asked about is among them already.
      const csvs = ((request.files ?? []) as Express.Multer.File[]).filter((file) => isCsvField(file.fieldname));
      if (fieldname === ENGINE_FIELD && hasCallback(request)) accept(null, true);
      else if (!isCsvField(fieldname)) accept(unexpectedField(fieldname));
      else if (csvs.length > 1) accept(tooManyFiles());
      else accept(null, true);
    },
  }).any();
}

function isCsvField(name: string): boolean {
  return FILE_FIELDS.includes(name);
}

function uploadError(error: unknown, maxUploadBytes: number): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof multer.MulterError) return multerError(error, maxUploadBytes);
  // express.json() says so by its error's type.
  if ((error as { type?: string }).type === 'entity.too.large') return fileTooLarge(maxUploadBytes);
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('MALFORMED_UPLOAD', `The request cannot be read: ${reason}.`, {}, { cause: error });
}

function multerError(error: multer.MulterError, maxUploadBytes: number): AppError {
  const { code, field = '' } = error;
  if (code === 'LIMIT_FILE_SIZE') return fileTooLarge(maxUploadBytes);
  if (code === 'LIMIT_FILE_COUNT') return tooManyFiles();
  if (code === 'LIMIT_FIELD_VALUE' && isCsvField(field)) {
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
    `Expected a form (${MULTIPART}) with the CSV in the field "text", or ${JSON_TYPE}; got ${received ?? 'no content type'}.`,
    { expected: `${MULTIPART}, ${JSON_TYPE}`, received: received ?? 'none' },
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
