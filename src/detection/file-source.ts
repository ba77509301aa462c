import { readSync } from 'node:fs';
import { type ByteSource, PIECE_BYTES } from './byte-source.js';

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
