import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningProcess, start } from './processes.js';

/** The server as a process, from its sources. */
export interface Service {
  url: string;
  /** Where its models are, if it was given some. */
  folder: string;
  server: RunningProcess;
  stop: () => Promise<void>;
}

/** Puts the bytes of models where a service finds them, by `name/version`. */
export function placeModels(folder: string, models: Record<string, Uint8Array>): void {
  for (const [address, bytes] of Object.entries(models)) {
    mkdirSync(join(folder, address), { recursive: true });
    writeFileSync(join(folder, address, 'model.onnx'), bytes);
  }
}

/** Starts the server on a free port; with models, by `name/version`, in place of the one that comes with it. */
export async function startService(
  models?: Record<string, Uint8Array>,
  settings: NodeJS.ProcessEnv = {},
): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'ae-ano-service-'));
  if (models) placeModels(folder, models);
  const basics = { HOST: '127.0.0.1', PORT: '0', WORKERS: '1', ENGINE_URLS: '' };
  const env = { ...basics, ...(models && { MODEL_PATH: folder }), ...settings };
  const server = start(process.execPath, ['--import=tsx', 'src/server.ts'], env);
  const [, port] = await server.said(/"message":"listening","port":(\d+)/);
  await server.said(/"message":"ready"/);
  const stop = async () => {
    server.child.kill('SIGTERM');
    await server.finished();
    rmSync(folder, { recursive: true });
  };
  return { url: `http://127.0.0.1:${port}`, folder, server, stop };
}
