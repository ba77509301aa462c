/** A run of points with enough context on both sides that their errors are those in the whole series. */
export interface Chunk {
  /** The values with their context, shape [points, c] row by row. */
  values: Float64Array;
  /** The first point whose error counts, counted from the start of the values. */
  keptFrom: number;
  /** The point before which those whose errors count end. */
  keptTo: number;
}

/** How a series is cut into chunks. */
export interface ChunkPlan {
  /** Columns, c. */
  width: number;
  /** How many points before and after a point can change its error. */
  context: number;
  /** A chunk starts at a multiple of so many points, where a window of the whole series starts. */
  alignment: number;
  /** Points in a chunk, without its context. */
  chunkPoints: number;
}

/** The most points that a chunk can have, with its context. */
export function longestChunk({ context, alignment, chunkPoints }: ChunkPlan): number {
  return chunkPoints + 2 * context + alignment;
}

/**
 * Cuts a series into chunks.
 *
 * @param blocks its values in order, each block of shape [points, c] row by row
 * @param length its number of points, in all blocks together
 */
export function* cutChunks(
  blocks: Iterable<Float64Array>,
  length: number,
  { width, context, alignment, chunkPoints }: ChunkPlan,
): Generator<Chunk> {
  const contextFrom = (point: number) => Math.max(0, Math.floor((point - context) / alignment) * alignment);
  let held = new Float64Array(0);
  let heldFrom = 0;
  let start = 0;
  for (const block of blocks) {
    held = joined(held, block);
    const heldTo = heldFrom + held.length / width;
    for (; start < length; start += chunkPoints) {
      const end = Math.min(length, start + chunkPoints);
      const to = Math.min(length, end + context);
      if (to > heldTo) break;
      const from = contextFrom(start);
      // ONNX Runtime is given memory of its own.
      const values = held.slice((from - heldFrom) * width, (to - heldFrom) * width);
      yield { values, keptFrom: start - from, keptTo: end - from };
    }
    const needed = Math.min(contextFrom(start), heldTo);
    held = held.subarray((needed - heldFrom) * width);
    heldFrom = needed;
  }
}

function joined(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
