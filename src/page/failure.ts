import type { ErrorAnswer } from '../error-handler.js';

/** An error as the server answers it, or as it is where there is no answer. */
export type Failure = Pick<ErrorAnswer, 'message'> & Partial<ErrorAnswer>;

/** What the service, or the way to it, has against a request. */
export class ServiceError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** What an answer that is an error says; proxies answer in forms of their own. */
export function errorAnswered(status: number, body: string): ServiceError {
  const said = parse(body) as Partial<Failure> | null | undefined;
  const isOurs = typeof said?.message === 'string' && said.message !== '';
  return new ServiceError(
    isOurs ? (said as Failure) : { message: `The service answered ${status} without a word about what is wrong.` },
  );
}

/** Why there is no answer; `file` is what was sent, which browsers refuse to send once it has changed. */
export async function connectionFailed(file?: File): Promise<ServiceError> {
  const isThere = await file
    ?.slice(0, 1)
    .arrayBuffer()
    .then(Boolean, () => false);
  return new ServiceError({
    message:
      isThere === false
        ? 'The file has changed since it was chosen: choose it again.'
        : 'The service does not answer: the connection failed.',
  });
}

/** What came of an error, in the form to be shown. */
export function failureOf(error: unknown): Failure {
  return error instanceof ServiceError ? error.failure : { message: `This page failed: ${String(error)}` };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
