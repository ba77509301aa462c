/** Bytes that can be read from their start as often as need be, a piece at a time. */
export interface ByteSource {
  /** Each piece is valid until the next one is asked for. */
  pieces(): Iterable<Uint8Array>;
}

/** The most bytes in a piece. */
export const PIECE_BYTES = 256 * 1024;

/** Bytes that are all in memory. */
export function bytesInMemory(bytes: Uint8Array): ByteSource {
  return {
    *pieces() {
      for (let from = 0; from < bytes.length; from += PIECE_BYTES) yield bytes.subarray(from, from + PIECE_BYTES);
    },
  };
}
