import { readSync } from 'node:fs';

/** Bytes that can be read from their start as often as need be, a piece at a time. */
export interface ByteSource {
  /** Each piece is valid until the next one is asked for. */
  pieces(): Iterable<Uint8Array>;
}

const PIECE_BYTES = 256 * 1024;

/** Bytes that are all in memory. */
export function bytesInMemory(bytes: Uint8Array): ByteSource {
  return {
    *pieces() {
      for (let from = 0; from < bytes.length; from += PIECE_BYTES) yield bytes.subarray(from, from + PIECE_BYTES);
    },
  };
}

/**
 * The bytes of an open file, of which no more than a piece is in memory; reading throws where the file
 * cannot be read.
 *
 * @param descriptor of a file, not of a pipe: it is read from its start each time
 */
export function bytesInFile(descriptor: number): ByteSource {
  return {
    *pieces() {
      const piece = new Uint8Array(PIECE_BYTES);
      let position = 0;
      for (;;) {
        const count = readSync(descriptor, piece, 0, PIECE_BYTES, position);
        if (count === 0) return;
        position += count;
        yield piece.subarray(0, count);
      }
    },
  };
}
