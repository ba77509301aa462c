import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { type Program, RunningServer } from './server.js';

const MEBIBYTE = 1024 * 1024;

/** As many workers as the service takes by default, and the peer and the limit with it. */
export const WORKERS = availableParallelism();

/** Builds the service as it ships. */
export function buildService(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Starts the built service: defaults, but for limits that the benchmark would meet. */
export function startService(modelPath: string): Promise<RunningServer> {
  const program: Program = {
    command: process.execPath,
    // As npm start has it.
    args: () => ['--max-semi-space-size=2', 'dist/server.js'],
    env: (port) => ({
      HOST: '127.0.0.1',
      PORT: String(port),
      MODEL_PATH: modelPath,
      WORKERS: String(WORKERS),
      MAX_UPLOAD_BYTES: String(500 * MEBIBYTE),
      MAX_TASKS: '1000',
      LOG_LEVEL: 'warn',
      ENGINE_URLS: '',
    }),
  };
  return RunningServer.start(program);
}
