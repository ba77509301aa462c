import { create, fromBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { z } from 'zod';
import { AppError } from '../errors.js';

const METADATA_KEY = 'ae-ano-detection';

/** The current form of the metadata. */
export const formatVersion = 3;

/** A column as the model knows it. */
export interface ModelColumn {
  /** The column's name in the training CSV. */
  name: string;
  /** The smallest value in training, in the units of the input. */
  min: number;
  /** The largest value in training, in the units of the input. */
  max: number;
}

/** The errors of normal data that the fit has not seen, as quantiles. */
export interface Calibration {
  /** How many points the quantiles come from. */
  points: number;
  /** Percentiles, 0 to 100, rising. */
  percentiles: number[];
  /** The error at each percentile, in scaled units, rising. */
  errors: number[];
}

/** A head of the autoencoder. */
export interface ModelHead {
  /** The columns that it sees: one, or all of them together. */
  columns: string[];
  /** Points in a window. */
  window: number;
  /** Points from the start of one window to that of the next. */
  stride: number;
  /** Whether it sees shapes only (each window less its mean, over its spread) or levels as well. */
  normalised: boolean;
  /** How many normal shapes it remembers. */
  prototypes: number;
}

/** What a model was made from. */
export interface Provenance {
  /** SHA-256 of the training CSV. */
  dataSha256: string;
  /** SHA-256 of the parameters as JSON. */
  paramsSha256: string;
  /** How many points the training CSV has. */
  trainingPoints: number;
  /** The seed of every random choice. */
  seed: number;
  /** The day that the model's author gave it, ISO 8601. */
  date?: string;
}

/** What applies where a request does not say otherwise. */
export interface VerdictDefaults {
  /** The percentile of the normal errors that the threshold is built on, 0 to 100. */
  percentile: number;
  /** The factor between that percentile and the threshold, 1 or more. */
  margin: number;
}

/** All that a model file says about itself. */
export interface ModelMetadata {
  /** The version of this metadata's form. */
  formatVersion: number;
  /** The model's name. */
  name: string;
  /** The model's version. */
  version: string;
  /** What the model was trained on, in a sentence. */
  description?: string;
  /** The columns that the model reads, in order. */
  columns: ModelColumn[];
  /** The length of the longest window, in points: a series needs as many. */
  window: number;
  /** How many points on each side of a point can change its error. */
  context: number;
  /** A part of a series has the same windows as the whole where it starts at a multiple of this. */
  alignment: number;
  /** The median time between neighbouring training points in seconds, where they had timestamps. */
  samplingInterval?: number;
  /** How the autoencoder looks at a series. */
  heads: ModelHead[];
  /** The errors of normal data. */
  calibration: Calibration;
  /** What applies where a request does not say otherwise. */
  defaults: VerdictDefaults;
  /** Figures measured while the model was made, by name. */
  metrics: Record<string, number>;
  /** What the model was made from. */
  provenance: Provenance;
}

/** All that is known of a model. */
export interface ModelDescription extends ModelMetadata {
  /** SHA-256 of the model file, in hexadecimal. */
  sha256: string;
}

const metadataSchema: z.ZodType<ModelMetadata> = z.object({
  formatVersion: z.literal(formatVersion),
  name: z.string(),
  version: z.string(),
  description: z.string().optional(),
  columns: z.array(z.object({ name: z.string(), min: z.number(), max: z.number() })).min(1),
  window: z.number().int().positive(),
  context: z.number().int().nonnegative(),
  alignment: z.number().int().positive(),
  samplingInterval: z.number().positive().optional(),
  heads: z.array(
    z.object({
      columns: z.array(z.string()).min(1),
      window: z.number().int().positive(),
      stride: z.number().int().positive(),
      normalised: z.boolean(),
      prototypes: z.number().int().positive(),
    }),
  ),
  calibration: z
    .object({
      points: z.number().int().positive(),
      percentiles: z.array(z.number().min(0).max(100)).min(2),
      errors: z.array(z.number().nonnegative()).min(2),
    })
    .refine(({ percentiles, errors }) => percentiles.length === errors.length && rises(percentiles) && rises(errors), {
      message: 'expected as many errors as percentiles, both rising',
    }),
  defaults: z.object({ percentile: z.number().min(0).max(100), margin: z.number().min(1) }),
  metrics: z.record(z.string(), z.number()),
  provenance: z.object({
    dataSha256: z.string(),
    paramsSha256: z.string(),
    trainingPoints: z.number().int().positive(),
    seed: z.number().int(),
    date: z.string().optional(),
  }),
});

/**
 * Reads the metadata out of the bytes of an ONNX file.
 *
 * @throws AppError INVALID_MODEL where the bytes are no ONNX file or carry no metadata of ours
 */
export function readMetadata(onnx: Uint8Array): ModelMetadata {
  const entry = parseOnnx(onnx).metadataProps.find(({ key }) => key === METADATA_KEY);
  if (!entry) throw invalidModel(`it has no metadata under the key "${METADATA_KEY}"`);
  const checked = metadataSchema.safeParse(parseJson(entry.value));
  if (!checked.success) throw invalidModel(z.prettifyError(checked.error));
  return checked.data;
}

/** Writes the metadata into an ONNX model, in place of what it had. */
export function writeMetadata(onnx: ModelProto, metadata: ModelMetadata): void {
  const value = JSON.stringify(metadataSchema.parse(metadata));
  onnx.metadataProps = [create(StringStringEntryProtoSchema, { key: METADATA_KEY, value })];
}

function parseOnnx(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw invalidModel('it is not an ONNX file', cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidModel('its metadata is not JSON', cause);
  }
}

function invalidModel(reason: string, cause?: unknown): AppError {
  return new AppError('INVALID_MODEL', `The model cannot be used: ${reason}.`, {}, { cause });
}

function rises(numbers: number[]): boolean {
  return numbers.every((number, i) => i === 0 || number >= numbers[i - 1]);
}
