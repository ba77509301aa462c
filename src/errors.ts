/**
 * Every error code that a caller can meet, with the HTTP status it is answered with.
 * Codes are stable: callers may branch on them; texts may change.
 */
const statusOfCode = {
  NO_FILE: 400,
  UNEXPECTED_FIELD: 400,
  MALFORMED_UPLOAD: 400,
  INVALID_PARAMETER: 400,
  EMPTY_FILE: 400,
  MALFORMED_CSV: 400,
  NO_NUMBERS: 400,
  NOT_A_NUMBER: 400,
  WRONG_COLUMNS: 400,
  TOO_FEW_POINTS: 400,
  CONSTANT_SERIES: 400,
  UNAUTHORIZED: 401,
  ADDRESS_NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  UNKNOWN_MODEL: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  PRECONDITION_FAILED: 412,
  FILE_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RANGE_NOT_SATISFIABLE: 416,
  INVALID_MODEL: 422,
  INTERNAL: 500,
  INPUT_UNAVAILABLE: 502,
  OVERLOADED: 503,
  NOT_READY: 503,
  STOPPED: 503,
} as const;

/** The stable name of an error. */
export type ErrorCode = keyof typeof statusOfCode;

/** Where in the input an error lies, and what was expected there. */
export interface ErrorDetails {
  /** Row of the CSV, counted from 1; a header is row 1. */
  row?: number;
  /** Column of the CSV by name, or by number counted from 1 where there is no header. */
  column?: string;
  /** The option that is wrong, by its name. */
  parameter?: string;
  /** What would have been right. */
  expected?: string;
  /** What came instead. */
  received?: string;
}

/** An error that has an answer: everything else that is thrown is a bug or a broken machine. */
export class AppError extends Error {
  override readonly name = 'AppError';
  /** The HTTP status that belongs to the code. */
  readonly status: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = statusOfCode[code];
  }
}

/** The refusal of what would have to wait behind too many others. */
export function overloadedError(): AppError {
  return new AppError('OVERLOADED', 'Too many tasks are waiting: try again in a moment.');
}

const LONGEST_QUOTE = 60;

/** Quotes what came from outside, cut to a length that fits an error text and a log line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE - 3)}...` : text);
}
