/** A run of points with enough context on both sides that their errors are those in the whole series. */
export interface Chunk {
  /** The values with their context, shape [points, c] row by row; valid until the next chunk is asked for. */
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
  const held = new HeldValues(width);
  let start = 0;
  for (const block of blocks) {
    held.add(block);
    for (; start < length; start += chunkPoints) {
      const end = Math.min(length, start + chunkPoints);
      const to = Math.min(length, end + context);
      if (to > held.to) break;
      const from = contextFrom(start);
      yield { values: held.between(from, to), keptFrom: start - from, keptTo: end - from };
    }
    held.dropBefore(contextFrom(start));
  }
}

/** The values of the points that are still needed, in memory that is used again and again. */
class HeldValues {
  private values = new Float64Array(0);
  private from = 0;
  /** The point before which the values end. */
  to = 0;

  constructor(private readonly width: number) {}

  add(block: Float64Array): void {
    const used = (this.to - this.from) * this.width;
    if (used + block.length > this.values.length) {
      const larger = new Float64Array(used + block.length);
      larger.set(this.values.subarray(0, used));
      this.values = larger;
    }
    this.values.set(block, used);
    this.to += block.length / this.width;
  }

  between(from: number, to: number): Float64Array {
    return this.values.subarray((from - this.from) * this.width, (to - this.from) * this.width);
  }

  dropBefore(point: number): void {
    const from = Math.min(point, this.to);
    this.values.copyWithin(0, (from - this.from) * this.width, (this.to - this.from) * this.width);
    this.from = from;
  }
}
