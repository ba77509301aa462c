import type { Model, Reconstruction, ReconstructOptions } from '../inference/model.js';

/**
 * A reconstruction that several threads fill, part by part. All of it is shared memory: whoever is free
 * takes the next part.
 */
export interface SharedWork {
  /** Shape [n, c] row by row. */
  values: Float64Array;
  result: Reconstruction;
  /** Points in a part. */
  partPoints: number;
  /** How many parts there are. */
  parts: number;
  /** The next part to take, the parts that are done, and whether one has failed. */
  progress: Int32Array;
  /** Its first entry becomes 1 once nobody waits for the answer. */
  abandoned: Int32Array;
}

const NEXT = 0;
const DONE = 1;
const FAILED = 2;
// A part is as long as others may have to wait for the thread that computes it.
const PART_CHUNKS = 2;
const WAIT_MILLISECONDS = 50;

/** The parts of a reconstruction, or undefined where the series is too short to be worth parting. */
export function shareWork(model: Model, values: Float64Array, abandoned: Int32Array): SharedWork | undefined {
  const width = model.columns.length;
  const length = values.length / width;
  const partPoints = PART_CHUNKS * model.chunkPoints;
  const parts = Math.ceil(length / partPoints);
  if (parts < 2) return undefined;
  const shared = new Float64Array(new SharedArrayBuffer(values.byteLength));
  shared.set(values);
  const floats = (count: number) => new Float32Array(new SharedArrayBuffer(4 * count));
  const result = {
    error: floats(length),
    columnError: floats(length * width),
    expected: new Float64Array(new SharedArrayBuffer(8 * length * width)),
  };
  const progress = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  return { values: shared, result, partPoints, parts, progress, abandoned };
}

/**
 * Takes the next part and computes it.
 *
 * @returns false where none is left
 */
export async function computePart(model: Model, work: SharedWork): Promise<boolean> {
  const { values, result, partPoints, parts, progress } = work;
  const part = Atomics.add(progress, NEXT, 1);
  if (part >= parts || isAbandoned(work)) return false;
  try {
    const end = Math.min((part + 1) * partPoints, result.error.length);
    await model.reconstructPart(values, result, part * partPoints, end, () => {
      if (isAbandoned(work)) throw new Error('Nobody waits for the answer any more.');
    });
  } catch (error) {
    Atomics.store(progress, FAILED, 1);
    throw error;
  } finally {
    Atomics.add(progress, DONE, 1);
    Atomics.notify(progress, DONE);
  }
  return true;
}

/** Computes parts until none is left, and waits for those that others have taken. */
export async function computeAll(
  model: Model,
  work: SharedWork,
  options: ReconstructOptions = {},
): Promise<Reconstruction> {
  const { progress, parts, result } = work;
  const checkpoint = () => options.onProgress?.(Atomics.load(progress, DONE) / parts);
  while (await computePart(model, work)) checkpoint();
  for (let done = Atomics.load(progress, DONE); done < parts; done = Atomics.load(progress, DONE)) {
    Atomics.wait(progress, DONE, done, WAIT_MILLISECONDS);
    checkpoint();
  }
  if (Atomics.load(progress, FAILED) === 1) throw new Error('A part of the series could not be computed.');
  return result;
}

function isAbandoned({ abandoned }: SharedWork): boolean {
  return Atomics.load(abandoned, 0) === 1;
}
