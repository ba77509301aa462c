import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { config as loadDotenv } from 'dotenv';
import { createApp } from './app.js';
import { type Config, readConfig } from './config.js';
import { Connections } from './connections.js';
import { Registration } from './engines/registration.js';
import { Trust } from './engines/trust.js';
import { AppError } from './errors.js';
import { Metrics } from './metrics.js';
import { createLogger, type Logger } from './logger.js';
import { listModels } from './model-list.js';
import { Readiness } from './readiness.js';
import { Spool } from './spool.js';
import { TaskQueue } from './tasks/task-queue.js';
import { ReloadableDetector } from './workers/reloadable-detector.js';

// The end of the grace period is for telling Engines which of their tasks could not be finished.
const REPORTING_SHARE = 0.25;
const LONGEST_REPORTING_MILLISECONDS = 5000;

/** A running service. */
interface Service {
  server: Server;
  connections: Connections;
  detector: ReloadableDetector;
  queue: TaskQueue;
  registrations: Registration[];
  readiness: Readiness;
  config: Config;
  logger: Logger;
}

async function start(config: Config, logger: Logger): Promise<Service> {
  const metrics = new Metrics();
  const detector = await ReloadableDetector.create(config, (error) => {
    metrics.countReload(error === undefined ? 'finished' : 'error');
    if (error === undefined) logger.info('models reloaded', listModels(detector));
    else logger.warn('models not reloaded', { error: (error as Error).message });
  }).catch((cause: unknown) => {
    throw modelPathError(cause, config);
  });
  const readiness = new Readiness();
  const queue = new TaskQueue(detector, logger, config, metrics);
  const spool = new Spool(queue.capacity);
  const registrations: Registration[] = [];
  metrics.watch({
    queue,
    detector,
    isReady: () => readiness.state === 'ready',
    registered: () => config.engines.map((_, i) => registrations[i]?.isRegistered ?? false),
  });
  const trust = new Trust(
    config.engines.map(({ url }) => url),
    config.callbackHosts,
    config.storageHosts,
  );
  const server = createServer(createApp({ config, detector, queue, spool, metrics, trust, logger, readiness }));
  const connections = new Connections(server);
  const { address, port } = await listen(server, config);
  logger.info('listening', { address, port });
  await detector.probe();
  readiness.becomeReady();
  logger.info('ready', { page: addressOfPage(address, port), ...listModels(detector), workers: config.workers });
  registrations.push(...register(config, port, logger));
  return { server, connections, detector, queue, registrations, readiness, config, logger };
}

async function listen(server: Server, config: Config): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(listenError(cause, config)));
    server.listen(config.port, config.host, resolve);
  });
  return server.address() as AddressInfo;
}

function addressOfPage(address: string, port: number): string {
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}/`;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;
}

/** Says which variable leads to an error of listening, and what to do. */
function listenError(cause: NodeJS.ErrnoException, { host, port }: Config): Error {
  const texts: Record<string, string> = {
    EADDRINUSE: `PORT: ${port} is taken. End what listens there, or choose another port; 0 takes a free one.`,
    EACCES: `PORT: ${port} is not for this user. Choose one above 1023; 0 takes a free one.`,
  };
  const hostText = `HOST: expected a name or an address of this machine, got "${host}" (${cause.message}).`;
  return new Error(texts[cause.code ?? ''] ?? hostText, { cause });
}

/** Says that it is the variable which leads to a model that cannot be used. */
function modelPathError(cause: unknown, { modelPath }: Config): unknown {
  // The other variable that this may have to do with is named already.
  if (!(cause instanceof AppError) || cause.message.startsWith('DEFAULT_MODEL')) return cause;
  const expected = 'a folder of models or a model file';
  return new Error(`MODEL_PATH: expected ${expected}, got "${modelPath}". ${cause.message}`, { cause });
}

/** Keeps the service registered with every configured Engine; none of them is waited for. */
function register({ engines, serviceUrl, ...settings }: Config, port: number, logger: Logger): Registration[] {
  const url = serviceUrl || `http://${hostname()}:${port}`;
  const registrations = engines.map((engine) => new Registration(engine, { ...settings, serviceUrl: url }, logger));
  for (const registration of registrations) registration.start();
  return registrations;
}

/**
 * Takes no new work, finishes and delivers what is under way, takes the service out of its Engines, and
 * only then stops listening, so that all the while health checks and Engines are answered.
 *
 * @returns whether all that was under way could be finished
 */
async function drain(service: Service): Promise<boolean> {
  const { queue, registrations, detector, readiness, config, logger } = service;
  readiness.startDraining();
  logger.info('draining');
  const milliseconds = config.shutdownGraceSeconds * 1000;
  const deliverUntil = AbortSignal.timeout(milliseconds);
  const reporting = Math.min(REPORTING_SHARE * milliseconds, LONGEST_REPORTING_MILLISECONDS);
  const delivered = await queue.drain(AbortSignal.timeout(milliseconds - reporting), deliverUntil);
  const leaving = Promise.all(registrations.map((registration) => registration.leave()));
  const answered = await closeServer(service, deliverUntil);
  await leaving;
  await detector.close(deliverUntil);
  logger.info('stopped');
  return delivered && answered;
}

/** Stops listening and waits for the requests under way; tells whether all of them were answered in time. */
async function closeServer({ server, connections, logger }: Service, until: AbortSignal): Promise<boolean> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  connections.closeWhenIdle();
  const tooLate = new Promise<void>((resolve) => {
    if (until.aborted) setImmediate(resolve);
    else until.addEventListener('abort', () => resolve(), { once: true });
  });
  const inTime = await Promise.race([closed.then(() => true), tooLate.then(() => false)]);
  if (inTime) return true;
  logger.warn('requests were still under way at the end of the grace period');
  // Tells the workers that nobody waits any more, so that they come to an end of their own.
  server.closeAllConnections();
  return false;
}

async function run(): Promise<void> {
  loadDotenv({ quiet: true });
  const config = readConfig(process.env);
  const logger = createLogger(config.logLevel);
  process.on('uncaughtException', (error) => {
    logger.error('uncaught error', { error: error.message, stack: error.stack });
    logger.once('finish', () => process.exit(1));
    logger.end();
  });
  const starting = start(config, logger);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      void starting.then(drain).then((complete) => process.exit(complete ? 0 : 1));
    });
  }
  await starting;
}

try {
  await run();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
