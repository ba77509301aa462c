import { readFile } from 'node:fs/promises';
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
 * @throws AppError INVALID_MODEL where the file cannot be read or is no model of ours
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  try {
    return parseModelFile(await readFile(path));
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('INVALID_MODEL', `Cannot read the model file ${path}.`, {}, { cause });
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
