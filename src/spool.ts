import { type FileHandle, open, unlink } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, overloadedError } from './errors.js';
import type { InputBytes } from './workers/detect-worker.js';

// Most requests are smaller, and need no file.
const KEPT_IN_MEMORY = 1024 * 1024;

/**
 * Where uploads come in whole: a small one in memory, a larger one in a file that has no name any more and so
 * goes with its last user, or with the process.
 */
export class Spool {
  private files = 0;

  /** @param mostFiles how many uploads may be in files at once, those that are still coming in among them */
  constructor(private readonly mostFiles: number) {}

  /**
   * Takes an upload in; the caller is its first user.
   *
   * @throws AppError OVERLOADED where too many are in files, INTERNAL where there is no room for it, or what
   *   the stream throws
   */
  async receive(stream: AsyncIterable<Buffer>): Promise<SpooledUpload> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    let file: FileHandle | undefined;
    try {
      for await (const piece of stream) {
        bytes += piece.length;
        if (file) await writeTo(file, piece);
        else pieces.push(piece);
        if (!file && bytes > KEPT_IN_MEMORY) {
          file = await this.openFile();
          await writeTo(file, Buffer.concat(pieces.splice(0)));
        }
      }
    } catch (error) {
      if (file) await this.closeFile(file);
      throw error;
    }
    if (!file) return new SpooledUpload({ bytes: Buffer.concat(pieces) });
    const opened = file;
    return new SpooledUpload({ descriptor: file.fd }, () => void this.closeFile(opened));
  }

  private async openFile(): Promise<FileHandle> {
    if (this.files >= this.mostFiles) throw overloadedError();
    this.files += 1;
    try {
      return await openNameless();
    } catch (error) {
      this.files -= 1;
      throw error;
    }
  }

  private async closeFile(file: FileHandle): Promise<void> {
    // There is nothing to be done about a file that does not close, and nothing in it that is still needed.
    await file.close().catch(() => undefined);
    this.files -= 1;
  }
}

/** An upload that has come in whole. */
export class SpooledUpload {
  private users = 1;

  /** @param onRelease called once nobody uses it any more */
  constructor(
    readonly input: InputBytes,
    private readonly onRelease: () => void = () => undefined,
  ) {}

  /** Takes note of another user, who must release it as well. */
  retain(): void {
    this.users += 1;
  }

  /** Frees what it takes once its last user has called this. */
  release(): void {
    this.users -= 1;
    if (this.users === 0) this.onRelease();
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
