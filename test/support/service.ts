import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from './processes.js';

/** The server as a process, from its sources. */
export interface Service {
  url: string;
  stop: () => Promise<void>;
}

/** Starts the server on a free port; with the bytes of a model in place of the one that comes with it. */
export async function startService(model?: Uint8Array): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'ae-ano-service-'));
  const path = join(folder, 'model.onnx');
  if (model) writeFileSync(path, model);
  const env = { HOST: '127.0.0.1', PORT: '0', WORKERS: '1', ENGINE_URLS: '', ...(model && { MODEL_PATH: path }) };
  const server = start(process.execPath, ['--import=tsx', 'src/server.ts'], env);
  const [, port] = await server.said(/"message":"listening","port":(\d+)/);
  await server.said(/"message":"ready"/);
  const stop = async () => {
    server.child.kill('SIGKILL');
    await server.finished();
    rmSync(folder, { recursive: true });
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}
