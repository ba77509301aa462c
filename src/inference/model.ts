import { InferenceSession, Tensor } from 'onnxruntime-node';
import { AppError } from '../errors.js';
import { type Chunk, type ChunkPlan, cutChunks } from './chunks.js';
import type { ModelMetadata } from './metadata.js';
import type { ModelFile } from './model-file.js';

/** What the model makes of a series of n points and c columns. */
export interface Reconstruction {
  /** The reconstruction error of each point, shape [n], in scaled units. */
  error: Float32Array;
  /** The same for each column, shape [n, c], row by row. */
  columnError: Float32Array;
  /** What the model expected, shape [n, c], row by row, in the units of the input. */
  expected: Float64Array;
}

/** Puts what the model makes of some points into that of a longer series, at the place of the first of them. */
export function putReconstruction(whole: Reconstruction, part: Reconstruction, first: number): void {
  const width = whole.columnError.length / whole.error.length;
  whole.error.set(part.error, first);
  whole.columnError.set(part.columnError, first * width);
  whole.expected.set(part.expected, first * width);
}

/** Room for what the model makes of a series. */
export function emptyReconstruction(length: number, width: number): Reconstruction {
  return {
    error: new Float32Array(length),
    columnError: new Float32Array(length * width),
    expected: new Float64Array(length * width),
  };
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

const INPUT = 'series';
const OUTPUTS = ['error', 'column_error', 'expected'];
const LONGEST_REASON = 300;

/** A loaded model file: raw values in, reconstruction errors out. */
export class Model {
  private constructor(
    private readonly session: InferenceSession,
    readonly metadata: ModelMetadata,
    /** SHA-256 of the model file, in hexadecimal. */
    readonly sha256: string,
  ) {}

  /**
   * Loads a model.
   *
   * @throws AppError INVALID_MODEL where ONNX Runtime cannot load it, or it lacks an input or an output
   */
  static async create({ bytes, metadata, sha256 }: ModelFile): Promise<Model> {
    const session = await load(bytes);
    checkNames('input', [INPUT], session.inputNames);
    checkNames('output', OUTPUTS, session.outputNames);
    return new Model(session, metadata, sha256);
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
   * Scores a series whose values are all in memory.
   *
   * @param values shape [n, c] row by row, in the units of the input
   * @throws AppError TOO_FEW_POINTS where n is less than the window
   */
  async reconstruct(values: Float64Array, options: ReconstructOptions = {}): Promise<Reconstruction> {
    const { chunkPoints = this.chunkPoints, onProgress } = options;
    const width = this.metadata.columns.length;
    const length = values.length / width;
    this.checkLength(length);
    const result = emptyReconstruction(length, width);
    let first = 0;
    for await (const chunk of this.score(cutChunks([values], length, { ...this.chunkPlan, chunkPoints }))) {
      putReconstruction(result, chunk, first);
      first += chunk.error.length;
      onProgress?.(first / length);
    }
    return result;
  }

  /**
   * Scores a series chunk by chunk. Each chunk carries on both sides the points that can change an error
   * within it, and starts where a window of the whole series starts: the result is that of one run over
   * the whole series, but for the rounding of floats.
   *
   * @returns for each chunk what the model makes of the points that count
   */
  async *score(chunks: Iterable<Chunk>): AsyncGenerator<Reconstruction> {
    for (const chunk of chunks) yield await this.scoreChunk(chunk);
  }

  /** Scores one chunk, see {@link Model.score}. */
  async scoreChunk({ values, keptFrom, keptTo }: Chunk): Promise<Reconstruction> {
    const width = this.metadata.columns.length;
    // ONNX Runtime is given memory of its own.
    const { error, columnError, expected } = await this.run(values.slice(), width);
    return {
      error: error.subarray(keptFrom, keptTo),
      columnError: columnError.subarray(keptFrom * width, keptTo * width),
      expected: expected.subarray(keptFrom * width, keptTo * width),
    };
  }

  /** How a series is cut into chunks where the caller does not say. */
  get chunkPlan(): ChunkPlan {
    const { columns, context, alignment } = this.metadata;
    return { width: columns.length, context, alignment, chunkPoints: this.chunkPoints };
  }

  /** @throws AppError TOO_FEW_POINTS where a series of so many points is shorter than the window */
  checkLength(length: number): void {
    const { window } = this.metadata;
    if (length >= window) return;
    throw new AppError(
      'TOO_FEW_POINTS',
      `The series has ${length} ${length === 1 ? 'point' : 'points'}; the model needs at least ${window}, its window.`,
      { expected: `at least ${window} points`, received: `${length}` },
    );
  }

  /**
   * Scores a series made up for the purpose, to see that the model works on this machine.
   *
   * @throws AppError INVALID_MODEL where it does not, or answers something else than finite errors of each
   *   point and column
   */
  async probe(): Promise<void> {
    const { window, columns } = this.metadata;
    const middles = Array.from({ length: window }, () => columns.map(({ min, max }) => (min + max) / 2));
    const { error, columnError, expected } = await this.tryToRun(Float64Array.from(middles.flat()), columns.length);
    const lengths = [error, columnError, expected].map(({ length }) => length);
    const expectedLengths = [window, window * columns.length, window * columns.length];
    if (lengths.join() !== expectedLengths.join()) {
      throw unusable(`it answers ${lengths.join(', ')} numbers where ${expectedLengths.join(', ')} are expected`);
    }
    if (!error.every(Number.isFinite)) throw unusable('it gives no finite errors');
  }

  /** Gives back the memory of the model. */
  async release(): Promise<void> {
    await this.session.release();
  }

  private async tryToRun(values: Float64Array, width: number): Promise<Reconstruction> {
    try {
      return await this.run(values, width);
    } catch (cause) {
      throw unusable(`it does not compute: ${reasonOf(cause)}`, cause);
    }
  }

  private async run(values: Float64Array, width: number): Promise<Reconstruction> {
    const series = new Tensor('float64', values, [values.length / width, width]);
    const { error, column_error: columnError, expected } = await this.session.run({ [INPUT]: series });
    return {
      error: error.data as Float32Array,
      columnError: columnError.data as Float32Array,
      expected: expected.data as Float64Array,
    };
  }
}

async function load(bytes: Uint8Array): Promise<InferenceSession> {
  try {
    // Bytes that threads share are not taken.
    return await InferenceSession.create(bytes.slice(), {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
    });
  } catch (cause) {
    throw new AppError('INVALID_MODEL', `ONNX Runtime cannot load the model: ${reasonOf(cause)}`, {}, { cause });
  }
}

function checkNames(what: 'input' | 'output', wanted: readonly string[], names: readonly string[]): void {
  const missing = wanted.filter((name) => !names.includes(name));
  if (missing.length > 0) throw unusable(`it has no ${what} ${missing.join(', ')}, but ${names.join(', ')}`);
}

function unusable(reason: string, cause?: unknown): AppError {
  return new AppError('INVALID_MODEL', `The model cannot be used: ${reason}.`, {}, { cause });
}

/** The first line: ONNX Runtime's errors may go on for pages. */
function reasonOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error)
    .split('\n', 1)[0]
    .slice(0, LONGEST_REASON);
}
