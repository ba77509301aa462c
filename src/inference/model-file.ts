import { open, stat } from 'node:fs/promises';
import { AppError } from '../errors.js';
import { sha256Of } from '../hash.js';
import { type ModelMetadata, readMetadata } from './metadata.js';

/** A model file that has been read. */
export interface ModelFile {
  bytes: Uint8Array;
  metadata: ModelMetadata;
  /** SHA-256 of the bytes, in hexadecimal. */
  sha256: string;
}

/**
 * Reads a model file.
 *
 * @throws AppError INVALID_MODEL where the file cannot be read, is being written or is no model of ours
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  try {
    return parseModelFile(await readWhole(path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('INVALID_MODEL', `Model file ${path}: ${reason}`, {}, { cause });
  }
}

/**
 * Takes bytes for a model file.
 *
 * @throws AppError INVALID_MODEL where they are no model of ours
 */
export function parseModelFile(bytes: Uint8Array): ModelFile {
  return { bytes, metadata: readMetadata(bytes), sha256: sha256Of(bytes) };
}

async function readWhole(path: string): Promise<Uint8Array> {
  // To open a pipe would wait for its other end.
  if (!(await stat(path)).isFile()) throw new AppError('INVALID_MODEL', 'It is no file.');
  const file = await open(path);
  try {
    const before = await file.stat();
    const bytes = await file.readFile();
    const after = await file.stat();
    if (bytes.length === after.size && before.mtimeMs === after.mtimeMs) return bytes;
    throw new AppError('INVALID_MODEL', 'It is being written: try again once it is whole.');
  } finally {
    await file.close();
  }
}
