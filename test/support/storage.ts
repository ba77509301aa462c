import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bucket } from '../../src/engines/s3.js';
import { call } from '../../src/engines/outgoing.js';
import { AwsV4Signer } from 'aws4fetch';
import { type RunningProcess, start } from './processes.js';

const MINIO = '.tools/minio';
const MOTO = '.tools/moto';
const KEY = 'a-test-key';
const SECRET = 'a-test-secret';

/** An S3 server: MinIO where it is installed, else moto, which takes any secret. */
export interface Storage {
  bucket: Bucket;
  /** Whether it checks who asks. */
  checksCredentials: boolean;
  stop: () => Promise<void>;
}

/** Starts an S3 server with an empty bucket; undefined where none can be had on this machine. */
export async function startStorage(name = 'engine'): Promise<Storage | undefined> {
  const checksCredentials = existsSync(MINIO);
  if (!checksCredentials && !installMoto()) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'ae-ano-storage-'));
  const port = await freePort();
  const process = checksCredentials ? startMinio(folder, port) : startMoto(port);
  const host = new URL(`http://127.0.0.1:${port}`);
  const credentials = { accessKeyId: KEY, secretAccessKey: SECRET };
  const bucket = { host, region: 'eu-central-2', bucket: name, ...credentials };
  const stop = async () => {
    process.child.kill('SIGTERM');
    await process.finished();
    rmSync(folder, { recursive: true });
  };
  await createBucket(bucket).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { bucket, checksCredentials, stop };
}

function startMinio(folder: string, port: number): RunningProcess {
  const settings = { MINIO_BROWSER: 'off', MINIO_UPDATE: 'off', MINIO_CI_CD: '1' };
  const credentials = { MINIO_ROOT_USER: KEY, MINIO_ROOT_PASSWORD: SECRET };
  const args = ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet'];
  return start(MINIO, args, { ...settings, ...credentials });
}

function startMoto(port: number): RunningProcess {
  return start(join(MOTO, 'bin/moto_server'), ['-H', '127.0.0.1', '-p', `${port}`]);
}

function installMoto(): boolean {
  if (existsSync(join(MOTO, 'bin/moto_server'))) return true;
  try {
    execFileSync('python3', ['-m', 'venv', MOTO], { stdio: 'ignore' });
    execFileSync(join(MOTO, 'bin/pip'), ['install', '-q', 'moto[server,s3]==5.*'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function createBucket({ host, bucket, ...access }: Bucket): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    // In this region a bucket needs no further word on where it is to be.
    const where = { method: 'PUT', url: `${host.href}${bucket}`, service: 's3', ...access, region: 'us-east-1' };
    const signed = await new AwsV4Signer(where).sign();
    const headers = Object.fromEntries(signed.headers);
    const answer = await call(signed.url.href, { method: 'PUT', headers, timeoutSeconds: 5 }).catch(() => undefined);
    if (answer?.status === 200) return;
    if (attempt === 150) throw new Error(`storage did not come up: ${answer?.status}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
