import { type FileHandle, open, unlink } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from './errors.js';
import type { InputBytes } from './workers/detect-worker.js';

// Most requests are smaller, and need no file.
const KEPT_IN_MEMORY = 1024 * 1024;

/**
 * An upload that has come in whole: a small one in memory, a larger one in a file that has no name any more
 * and so goes with its last user, or with the process.
 */
export class SpooledUpload {
  private users = 1;

  private constructor(
    readonly input: InputBytes,
    private readonly file?: FileHandle,
  ) {}

  /**
   * Takes an upload in; the caller is its first user.
   *
   * @throws AppError INTERNAL where there is no room for it, or what the stream throws
   */
  static async receive(stream: AsyncIterable<Buffer>): Promise<SpooledUpload> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    let file: FileHandle | undefined;
    try {
      for await (const piece of stream) {
        bytes += piece.length;
        if (file) await writeTo(file, piece);
        else pieces.push(piece);
        if (!file && bytes > KEPT_IN_MEMORY) {
          file = await openNameless();
          await writeTo(file, Buffer.concat(pieces.splice(0)));
        }
      }
    } catch (error) {
      await file?.close();
      throw error;
    }
    if (file) return new SpooledUpload({ descriptor: file.fd }, file);
    return new SpooledUpload({ bytes: Buffer.concat(pieces) });
  }

  /** Takes note of another user, who must release it as well. */
  retain(): void {
    this.users += 1;
  }

  /** Frees what it takes once its last user has called this. */
  release(): void {
    this.users -= 1;
    // There is nothing to be done about a file that does not close, and nothing in it that is still needed.
    if (this.users === 0) void this.file?.close().catch(() => undefined);
  }
}

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `ae-ano-detection-${randomUUID()}`);
  try {
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  } catch (cause) {
    throw noRoom(cause);
  }
}

async function writeTo(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
  } catch (cause) {
    throw noRoom(cause);
  }
}

function noRoom(cause: unknown): AppError {
  return new AppError('INTERNAL', 'There is no room for the upload on our side.', {}, { cause });
}
