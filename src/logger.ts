import winston from 'winston';

/** The logger's type, so that nobody else needs to know the library. */
export type Logger = winston.Logger;

/**
 * Makes a logger that writes a JSON object a line to standard error. `error`: somebody must look;
 * `warn`: something was refused or lost; `info`: what the service did; `debug`: how.
 */
export function createLogger(level: string): Logger {
  return winston.createLogger({
    level,
    format: winston.format.combine(
      winston.format.timestamp(),
      winston.format.errors({ stack: true, cause: true }),
      winston.format.json(),
    ),
    transports: [new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
  });
}
