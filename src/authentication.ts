import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import type { Dependencies } from './dependencies.js';
import { AppError } from './errors.js';

/**
 * Lets through who may do what a route guards: the routes that tsoa generates ask it. There is one guard,
 * `reloadToken`.
 *
 * @throws AppError NOT_FOUND where nobody may, UNAUTHORIZED where the request has not the token
 */
export function expressAuthentication(request: Request): Promise<void> {
  const { reloadToken } = (request.app.locals.dependencies as Dependencies).config;
  if (reloadToken === undefined) {
    const message = 'Models are not read anew on request: the setting RELOAD_TOKEN would allow it.';
    return Promise.reject(new AppError('NOT_FOUND', message));
  }
  const [, token = ''] = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '') ?? [];
  if (timingSafeEqual(digest(token), digest(reloadToken))) return Promise.resolve();
  request.res?.set('WWW-Authenticate', 'Bearer');
  const expected = 'the header "Authorization: Bearer …" with the setting RELOAD_TOKEN';
  return Promise.reject(
    new AppError('UNAUTHORIZED', `The token is missing or wrong: expected ${expected}.`, { expected }),
  );
}

/** Of one length, whatever came. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
