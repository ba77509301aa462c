import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { AppError } from '../errors.js';
import { sha256Of } from '../hash.js';
import { type ModelMetadata, readMetadata } from './metadata.js';

/** What the model makes of a series of n points and c columns. */
export interface Reconstruction {
  /** The reconstruction error of each point, shape [n], in scaled units. */
  error: Float32Array;
  /** The same for each column, shape [n, c], row by row. */
  columnError: Float32Array;
  /** What the model expected, shape [n, c], row by row, in the units of the input. */
  expected: Float64Array;
}

/** How a series is scored. */
export interface ReconstructOptions {
  /**
   * Points in a chunk, without its context.
   * @default 32 windows, at least 2,048 and at most 16,384 points
   */
  chunkPoints?: number;
  /** Called after each chunk with the share of the points done, 0 to 1; what it throws ends the work. */
  onProgress?: (share: number) => void;
}

/** How a model file is told from others. */
export interface ModelIdentity {
  /** The model's name. */
  name: string;
  /** The model's version. */
  version: string;
  /** SHA-256 of the file, in hexadecimal. */
  sha256: string;
}

// A chunk of 32 windows loses little to its context and takes few megabytes.
const CHUNK_WINDOWS = 32;
const SHORTEST_CHUNK = 2048;
const LONGEST_CHUNK = 16_384;

/** A loaded model file: raw values in, reconstruction errors out. */
export class Model {
  private constructor(
    private readonly session: InferenceSession,
    readonly metadata: ModelMetadata,
    /** SHA-256 of the model file, in hexadecimal. */
    readonly sha256: string,
  ) {}

  /**
   * Loads a model from its file.
   *
   * @throws AppError INVALID_MODEL where the file cannot be read or is no model of ours
   */
  static async load(path: string): Promise<Model> {
    try {
      return await Model.fromBytes(await readModelFile(path));
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError('INVALID_MODEL', `ONNX Runtime cannot load the model ${path}.`, {}, { cause });
    }
  }

  /** Loads a model from the bytes of its file. */
  static async fromBytes(bytes: Uint8Array): Promise<Model> {
    const metadata = readMetadata(bytes);
    const session = await InferenceSession.create(bytes, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
    });
    return new Model(session, metadata, sha256Of(bytes));
  }

  /** How this model is told from others. */
  get identity(): ModelIdentity {
    return { name: this.metadata.name, version: this.metadata.version, sha256: this.sha256 };
  }

  /** Points in a chunk, without its context, where the caller does not say. */
  get chunkPoints(): number {
    return Math.min(LONGEST_CHUNK, Math.max(SHORTEST_CHUNK, CHUNK_WINDOWS * this.metadata.window));
  }

  /** The names of the columns that the model reads, in order. */
  get columns(): string[] {
    return this.metadata.columns.map(({ name }) => name);
  }

  /**
   * Scores a series, chunk by chunk. Each chunk carries on both sides the points that can change an
   * error within it, and starts where a window of the whole series starts: the result is that of one
   * run over the whole series, but for the rounding of floats.
   *
   * @param values shape [n, c] row by row, in the units of the input
   * @throws AppError TOO_FEW_POINTS where n is less than the window
   */
  async reconstruct(values: Float64Array, options: ReconstructOptions = {}): Promise<Reconstruction> {
    const { window } = this.metadata;
    const { chunkPoints, onProgress } = options;
    const width = this.metadata.columns.length;
    const length = values.length / width;
    if (length < window) throw tooFewPoints(length, window);
    const result = {
      error: new Float32Array(length),
      columnError: new Float32Array(length * width),
      expected: new Float64Array(length * width),
    };
    await this.reconstructPart(values, result, 0, length, (end) => onProgress?.(end / length), chunkPoints);
    return result;
  }

  /**
   * Scores the points from `first` to before `end` of a series, as {@link Model.reconstruct} does, and
   * writes what it finds to their places in `result`.
   *
   * @param values the whole series, shape [n, c] row by row; it may lie in shared memory, and `result` too
   * @param onChunk called after each chunk with the point that it ends before; what it throws ends the work
   */
  async reconstructPart(
    values: Float64Array,
    result: Reconstruction,
    first: number,
    end: number,
    onChunk: (end: number) => void,
    chunkPoints = this.chunkPoints,
  ): Promise<void> {
    const { context, alignment } = this.metadata;
    const width = this.metadata.columns.length;
    const length = values.length / width;
    for (let start = first; start < end; start += chunkPoints) {
      const chunkEnd = Math.min(start + chunkPoints, end);
      const from = Math.max(0, Math.floor((start - context) / alignment) * alignment);
      const to = Math.min(length, chunkEnd + context);
      // ONNX Runtime is given memory of its own.
      const chunk = await this.run(values.slice(from * width, to * width), width);
      const [kept, keptEnd] = [start - from, chunkEnd - from];
      result.error.set(chunk.error.subarray(kept, keptEnd), start);
      result.columnError.set(chunk.columnError.subarray(kept * width, keptEnd * width), start * width);
      result.expected.set(chunk.expected.subarray(kept * width, keptEnd * width), start * width);
      onChunk(chunkEnd);
    }
  }

  /**
   * Scores a series made up for the purpose, to see that the model works on this machine.
   *
   * @throws AppError INVALID_MODEL where an error comes out that is no finite number
   */
  async probe(): Promise<void> {
    const { window, columns } = this.metadata;
    const middles = Array.from({ length: window }, () => columns.map(({ min, max }) => (min + max) / 2));
    const { error } = await this.reconstruct(Float64Array.from(middles.flat()));
    if (!error.every(Number.isFinite)) {
      throw new AppError('INVALID_MODEL', 'The model cannot be used: it gives no finite errors.');
    }
  }

  /** Gives back the memory of the model. */
  async release(): Promise<void> {
    await this.session.release();
  }

  private async run(values: Float64Array, width: number): Promise<Reconstruction> {
    const series = new Tensor('float64', values, [values.length / width, width]);
    const { error, column_error: columnError, expected } = await this.session.run({ series });
    return {
      error: error.data as Float32Array,
      columnError: columnError.data as Float32Array,
      expected: expected.data as Float64Array,
    };
  }
}

/**
 * Reads the bytes of a model file.
 *
 * @throws AppError INVALID_MODEL where the file cannot be read
 */
export async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError('INVALID_MODEL', `Cannot read the model file ${path}.`, {}, { cause });
  }
}

function tooFewPoints(length: number, window: number): AppError {
  return new AppError(
    'TOO_FEW_POINTS',
    `The series has ${length} ${length === 1 ? 'point' : 'points'}; the model needs at least ${window}, its window.`,
    { expected: `at least ${window} points`, received: `${length}` },
  );
}
