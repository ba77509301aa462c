import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { say } from './progress.js';
import { RunningServer } from './server.js';
import { WORKERS } from './service.js';

const VENV = 'bench/.venv-peer';
const REQUIREMENTS = 'bench/peer/requirements.txt';
const INSTALLED = `${VENV}/installed.txt`;
// Of 4,096 to 1,000,000 points the fastest there.
const CHUNK_POINTS = 100_000;

/** The peer's Python. */
export const PYTHON = `${VENV}/bin/python`;

/** Installs what the peer needs into a virtual environment of its own, once. */
export function preparePeer(): void {
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  if (existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === wanted) return;
  say('installing the peer');
  execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  execFileSync(PYTHON, ['-m', 'pip', 'install', '--quiet', '-r', REQUIREMENTS], { stdio: ['ignore', 2, 2] });
  writeFileSync(INSTALLED, wanted);
}

/** How the peer scores a long series. */
export interface PeerSettings {
  /** One run over the whole series instead of chunks. */
  oneRun?: boolean;
  /** The memory that each of its processes may address, so that it fails before the machine does. */
  addressGigabytes?: number;
}

/** Starts the Python service with as many processes as ours has worker threads. */
export function startPeer(modelPath: string, settings: PeerSettings = {}): Promise<RunningServer> {
  const { oneRun = false, addressGigabytes } = settings;
  const limit = addressGigabytes === undefined ? 'unlimited' : String(Math.round(addressGigabytes * 2 ** 20));
  return RunningServer.start({
    command: 'bash',
    args: (port) => ['-c', 'ulimit -v "$1" && shift && exec "$@"', 'bash', limit, ...uvicorn(port)],
    env: () => ({ MODEL_PATH: resolve(modelPath), CHUNK_POINTS: oneRun ? '0' : String(CHUNK_POINTS) }),
  });
}

function uvicorn(port: number): string[] {
  const where = ['--app-dir', 'bench/peer', '--host', '127.0.0.1', '--port', String(port)];
  return [PYTHON, '-m', 'uvicorn', 'service:app', ...where, '--workers', String(WORKERS), '--log-level', 'warning'];
}
