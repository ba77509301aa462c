import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { config as loadDotenv } from 'dotenv';
import { createApp } from './app.js';
import { type Config, readConfig } from './config.js';
import { Connections } from './connections.js';
import { createLogger, type Logger } from './logger.js';
import { Readiness } from './readiness.js';
import { Detector } from './workers/detector.js';

/** A running service. */
interface Service {
  server: Server;
  connections: Connections;
  detector: Detector;
  readiness: Readiness;
  config: Config;
  logger: Logger;
}

async function start(config: Config, logger: Logger): Promise<Service> {
  const detector = await Detector.create(config);
  const readiness = new Readiness();
  const server = createServer(createApp({ config, detector, logger, readiness }));
  const connections = new Connections(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  logger.info('listening', { address, port });
  await detector.probe();
  readiness.becomeReady();
  const { name, version, sha256 } = detector.model;
  logger.info('ready', { model: { name, version, sha256 }, workers: config.workers });
  return { server, connections, detector, readiness, config, logger };
}

/** Takes no new requests, finishes those under way, and tells whether all of them could be finished. */
async function drain({ server, connections, detector, readiness, config, logger }: Service): Promise<boolean> {
  readiness.startDraining();
  logger.info('draining');
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  connections.closeWhenIdle();
  const inTime = await Promise.race([
    closed.then(() => true),
    wait(config.shutdownGraceSeconds * 1000, false, { ref: false }),
  ]);
  if (!inTime) {
    logger.warn('requests were still under way at the end of the grace period');
    // Tells the workers that nobody waits any more, so that they come to an end of their own.
    server.closeAllConnections();
  }
  await detector.close();
  logger.info('stopped');
  return inTime;
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
