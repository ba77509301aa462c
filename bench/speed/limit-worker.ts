import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { workerData } from 'piscina';

/** A series whose chunks the threads share among themselves. */
export interface LimitJob {
  /** Shape [n, c] row by row, in shared memory. */
  values: Float64Array;
  columns: number;
  chunkPoints: number;
  /** How many points on each side of a point can change its error. */
  context: number;
  /** A chunk with its context starts at a multiple of this. */
  alignment: number;
  /** Its only entry is the next chunk to take. */
  next: Int32Array;
}

let loading: Promise<InferenceSession> | undefined;

function loadModel(): Promise<InferenceSession> {
  const { modelPath } = workerData as { modelPath: string };
  return (loading ??= InferenceSession.create(readFileSync(modelPath), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
  }));
}

/** Scores chunks until none is left. */
export default async function score(job: LimitJob): Promise<void> {
  const { values, columns, chunkPoints, context, alignment, next } = job;
  const session = await loadModel();
  const points = values.length / columns;
  const take = () => Atomics.add(next, 0, 1) * chunkPoints;
  for (let start = take(); start < points; start = take()) {
    const from = Math.max(0, Math.floor((start - context) / alignment) * alignment);
    const to = Math.min(points, start + chunkPoints + context);
    const series = new Tensor('float64', values.slice(from * columns, to * columns), [to - from, columns]);
    await session.run({ series });
  }
}
