import type { IocContainerFactory } from '@tsoa/runtime';
import type { Request } from 'express';
import type { Config } from './config.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import type { Readiness } from './readiness.js';
import type { Spool } from './spool.js';
import type { Trust } from './engines/trust.js';
import type { TaskQueue } from './tasks/task-queue.js';
import type { ReloadableDetector } from './workers/reloadable-detector.js';

/** What the app is made of. */
export interface Dependencies {
  config: Pick<Config, 'maxUploadBytes' | 'deliverySeconds' | 'reloadToken'>;
  /** The models that answer. */
  detector: Pick<ReloadableDetector, 'models' | 'choose' | 'reload'>;
  queue: TaskQueue;
  spool: Spool;
  metrics: Metrics;
  /** Which addresses that come from outside may be called. */
  trust: Trust;
  logger: Logger;
  readiness: Readiness;
}

/** Gives the routes that tsoa generates their controllers, with what they need. */
export const iocContainer: IocContainerFactory<Request> = (request) => ({
  get: <T>(controller: unknown): T => {
    const Controller = controller as new (dependencies: Dependencies) => T;
    return new Controller(request.app.locals.dependencies as Dependencies);
  },
});
