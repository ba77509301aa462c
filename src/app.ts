import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import swaggerUi, { type JsonObject } from 'swagger-ui-express';
import type { Dependencies } from './dependencies.js';
import { errorHandler } from './error-handler.js';
import { AppError } from './errors.js';
import { RegisterRoutes } from './generated/routes.js';

const ASSETS = join('page', 'assets');
const PAGE_ROUTE = '/';
// Asked every few seconds.
const QUIET_PATHS = /^\/((v2\/)?health\/|metrics$)/;
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The OpenAPI document that tsoa generated. */
const openApi = JSON.parse(readFileSync(new URL('./generated/openapi.json', import.meta.url), 'utf8')) as JsonObject & {
  paths: Record<string, Record<string, unknown>>;
};

/** The page for people, as `src/page/build.ts` bundles it. */
const pageFolder = fileURLToPath(new URL('./generated/page/', import.meta.url));

/** Wires middleware, routes and documentation; listening is the server's business. */
export function createApp(dependencies: Dependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.locals.dependencies = dependencies;
  app.use(identifyAndLog(dependencies));
  app.use(securityHeaders());
  app.get('/openapi.json', (_request, response) => {
    response.json(openApi);
  });
  app.use('/docs', docsPolicy(), inRoute('/docs'), swaggerUi.serve, swaggerUi.setup(openApi, swaggerOptions));
  app.use(servePage());
  RegisterRoutes(app);
  app.use(noSuchRoute);
  app.use(errorHandler(dependencies.logger));
  return app;
}

const swaggerOptions = {
  customSiteTitle: 'ae-ano-detection',
  swaggerOptions: {
    // The validator is a service on another host, and nothing of ours asks other hosts.
    validatorUrl: null,
    // Colouring an answer with an entry for each point keeps a browser busy for minutes.
    syntaxHighlight: { activated: false },
  },
};

const contentSecurityPolicy = {
  defaultSrc: ["'self'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'", 'data:', 'blob:'],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
};

function securityHeaders() {
  return helmet({
    // Whether there is TLS in front of us is not ours to say.
    strictTransportSecurity: false,
    contentSecurityPolicy: { useDefaults: false, directives: contentSecurityPolicy },
    frameguard: { action: 'deny' },
  });
}

/** Has what follows counted as one route. */
function inRoute(route: string) {
  return (_request: Request, response: Response, next: NextFunction) => {
    response.locals.route = route;
    next();
  };
}

/** Swagger UI writes styles into its elements. */
function docsPolicy() {
  const directives = { ...contentSecurityPolicy, styleSrc: ["'self'", "'unsafe-inline'"] };
  return helmet.contentSecurityPolicy({ useDefaults: false, directives });
}

/** The page; its bundled files have names that change with what is in them, and so are kept for good. */
function servePage() {
  return express.static(pageFolder, {
    cacheControl: false,
    setHeaders: (response: Response, path) => {
      response.locals.route = PAGE_ROUTE;
      const isHashed = path.includes(ASSETS);
      response.set('Cache-Control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

function identifyAndLog({ logger, metrics }: Dependencies) {
  return (request: Request, response: Response, next: NextFunction) => {
    const given = request.get('x-request-id');
    const requestId = given && REQUEST_ID.test(given) ? given : randomUUID();
    const { path } = request;
    const started = performance.now();
    response.locals.requestId = requestId;
    response.set('X-Request-Id', requestId);
    response.once('close', () => {
      const level = QUIET_PATHS.test(path) ? 'debug' : 'info';
      const brokenOffWith = response.locals.brokenOffWith as number | undefined;
      const status = response.writableFinished ? response.statusCode : brokenOffWith;
      const milliseconds = performance.now() - started;
      metrics.countRequest({ method: request.method, route: routeOf(request, response), status, milliseconds });
      logger.log(level, 'request', {
        requestId,
        method: request.method,
        path,
        status,
        milliseconds: Math.round(milliseconds),
        answered: response.writableFinished,
        code: response.locals.errorCode as string | undefined,
        ...(response.locals.detection as object | undefined),
      });
    });
    next();
  };
}

/** The route that a request took, as the OpenAPI document writes it; what comes as files is one. */
function routeOf(request: Request, response: Response): string {
  const { route } = request as { route?: { path: string } };
  return (response.locals.route as string | undefined) ?? route?.path.replace(/:(\w+)/g, '{$1}') ?? 'none';
}

function noSuchRoute(request: Request, response: Response, next: NextFunction): void {
  const methods = methodsOf(request.path);
  if (methods.length === 0) {
    next(new AppError('NOT_FOUND', `There is nothing at ${request.path}; see /docs for what there is.`));
    return;
  }
  const allowed = methods.join(', ');
  response.set('Allow', allowed);
  next(
    new AppError('METHOD_NOT_ALLOWED', `${request.path} takes ${allowed}, not ${request.method}.`, {
      expected: allowed,
      received: request.method,
    }),
  );
}

/** The methods that the OpenAPI document has for a path. */
function methodsOf(path: string): string[] {
  const parts = path.replace(/(.)\/$/, '$1').split('/');
  const fits = (template: string) => {
    const names = template.split('/');
    return names.length === parts.length && names.every((name, i) => name.startsWith('{') || name === parts[i]);
  };
  const found = Object.entries(openApi.paths).find(([template]) => fits(template));
  return Object.keys(found?.[1] ?? {}).map((method) => method.toUpperCase());
}
