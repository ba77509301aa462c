import { type Chunk, type ChunkPlan, longestChunk } from '../inference/chunks.js';
import { type Model, putReconstruction, type Reconstruction } from '../inference/model.js';
import { waitForChange } from './shared-memory.js';

/**
 * Places for some chunks of a series and for what the model makes of them, in memory that threads share:
 * whoever is free scores one.
 */
export interface SharedChunks extends Reconstruction {
  plan: ChunkPlan;
  /** For each place how far its work is, one of the states below. */
  states: Int32Array;
  /** For each place how many points it holds, and from where to where they count. */
  bounds: Int32Array;
  values: Float64Array;
}

const FREE = 0;
const READY = 1;
const TAKEN = 2;
const DONE = 3;
const FAILED = 4;
// Enough that no thread waits for the one that reads; each takes a hundred kilobytes or so for each column.
const PLACES = 8;
const BOUNDS = 3;

/** Makes room for chunks that are cut by a plan. */
export function shareChunks(plan: ChunkPlan): SharedChunks {
  const floats = (count: number) => new Float32Array(new SharedArrayBuffer(4 * count * PLACES));
  const doubles = (count: number) => new Float64Array(new SharedArrayBuffer(8 * count * PLACES));
  const integers = (count: number) => new Int32Array(new SharedArrayBuffer(4 * count * PLACES));
  const cells = plan.chunkPoints * plan.width;
  return {
    plan,
    states: integers(1),
    bounds: integers(BOUNDS),
    values: doubles(longestChunk(plan) * plan.width),
    error: floats(plan.chunkPoints),
    columnError: floats(cells),
    expected: doubles(cells),
  };
}

/**
 * Scores chunks together with whoever else takes some of them.
 *
 * @param offer called for each chunk that others may take
 * @param checkpoint called before each wait; what it throws ends the work
 * @returns for each chunk, in order, what the model makes of the points that count
 */
export async function* scoreTogether(
  model: Model,
  chunks: Iterable<Chunk>,
  shared: SharedChunks,
  offer: () => void,
  checkpoint: () => void,
): AsyncGenerator<Reconstruction> {
  let put = 0;
  let taken = 0;
  for (const chunk of chunks) {
    if (put - taken === PLACES) yield await takeResult(model, shared, taken++ % PLACES, checkpoint);
    putChunk(shared, put++ % PLACES, chunk);
    offer();
  }
  while (taken < put) yield await takeResult(model, shared, taken++ % PLACES, checkpoint);
}

/**
 * Scores one of the chunks that are ready.
 *
 * @param first the place to look at first
 * @returns false where there is none
 */
export async function scoreShared(model: Model, shared: SharedChunks, first = 0): Promise<boolean> {
  for (let i = 0; i < PLACES; i++) if (await scorePlace(model, shared, (first + i) % PLACES)) return true;
  return false;
}

/** Gives up the chunks that are being scored: who scored them has ended. */
export function failTaken({ states }: SharedChunks): void {
  for (let place = 0; place < PLACES; place++) {
    Atomics.compareExchange(states, place, TAKEN, FAILED);
    Atomics.notify(states, place);
  }
}

/** Scores the chunk in a place, unless it is not ready or another thread takes it. */
async function scorePlace(model: Model, shared: SharedChunks, place: number): Promise<boolean> {
  const { states } = shared;
  if (Atomics.compareExchange(states, place, READY, TAKEN) !== READY) return false;
  try {
    const result = await model.scoreChunk(chunkIn(shared, place));
    putReconstruction(shared, result, place * shared.plan.chunkPoints);
    Atomics.compareExchange(states, place, TAKEN, DONE);
  } catch (error) {
    Atomics.store(states, place, FAILED);
    throw error;
  } finally {
    Atomics.notify(states, place);
  }
  return true;
}

/** What the model made of the chunk in a place; until it is known, this thread scores chunks as well. */
async function takeResult(
  model: Model,
  shared: SharedChunks,
  oldest: number,
  checkpoint: () => void,
): Promise<Reconstruction> {
  const { states } = shared;
  for (let state = Atomics.load(states, oldest); state !== DONE; state = Atomics.load(states, oldest)) {
    checkpoint();
    if (state === FAILED) throw new Error('A part of the series could not be scored.');
    if (!(await scoreShared(model, shared, oldest))) await waitForChange(states, oldest, TAKEN);
  }
  const result = resultIn(shared, oldest);
  Atomics.store(states, oldest, FREE);
  return result;
}

function putChunk({ plan, states, bounds, values }: SharedChunks, place: number, chunk: Chunk): void {
  const { width } = plan;
  values.set(chunk.values, place * longestChunk(plan) * width);
  bounds.set([chunk.values.length / width, chunk.keptFrom, chunk.keptTo], place * BOUNDS);
  Atomics.store(states, place, READY);
}

function chunkIn({ plan, bounds, values }: SharedChunks, place: number): Chunk {
  const [points, keptFrom, keptTo] = bounds.subarray(place * BOUNDS);
  const first = place * longestChunk(plan) * plan.width;
  return { values: values.subarray(first, first + points * plan.width), keptFrom, keptTo };
}

function resultIn({ plan, bounds, error, columnError, expected }: SharedChunks, place: number): Reconstruction {
  const [, keptFrom, keptTo] = bounds.subarray(place * BOUNDS);
  const first = place * plan.chunkPoints;
  const end = first + keptTo - keptFrom;
  return {
    error: error.slice(first, end),
    columnError: columnError.slice(first * plan.width, end * plan.width),
    expected: expected.slice(first * plan.width, end * plan.width),
  };
}
