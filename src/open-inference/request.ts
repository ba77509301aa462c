import { z } from 'zod';
import { AppError, quote } from '../errors.js';
import { INPUT, type OutputName, outputNames } from './tensors.js';

/** An output that is wanted, and how. */
export interface WantedOutput {
  name: OutputName;
  /** Whether its values follow the JSON as bytes, or stand in it. */
  binary: boolean;
}

/** What an inference request asks for. */
export interface InferenceRequest {
  /** The caller's name for it. */
  id?: string;
  /** Shape [n, c] row by row; NaN where a value is missing. */
  values: Float64Array;
  /** The options of the verdict as texts. */
  options: Record<string, string>;
  outputs: WantedOutput[];
}

/** The largest JSON that is read: what it becomes takes many times its room. */
export const MOST_JSON_BYTES = 4 * 1024 * 1024;

const inputTypes = { FP64: Float64Array, FP32: Float32Array };

// More than anybody has reason to send, and few enough to tell of each that it is wrong.
const MOST_ENTRIES = 64;

const option = z.union([z.string(), z.number(), z.boolean()], expecting('a text, a number, true or false'));
const wholeNumber = z.number(expecting('a whole number')).int(expecting('a whole number')).nonnegative();
const flag = z.boolean(expecting('a boolean'));
// What is not known here may ask for another answer, and so is refused rather than passed over.
const tensorParameters = z.strictObject({ binary_data_size: wholeNumber.optional() }, expecting('binary_data_size'));
const outputParameters = z.strictObject({ binary_data: flag.optional() }, expecting('binary_data'));
const input = z.object(
  {
    name: z.literal(INPUT, expecting(`"${INPUT}"`)),
    datatype: z.enum(['FP64', 'FP32'], expecting('"FP64" or "FP32"')),
    shape: few(z.array(wholeNumber)),
    parameters: tensorParameters.default({}),
    data: z.unknown().optional(),
  },
  expecting('an object'),
);
const output = z.object(
  {
    name: z.enum(outputNames, expecting(`one of ${outputNames.join(', ')}`)),
    parameters: outputParameters.optional(),
  },
  expecting('an object'),
);
const requestSchema = z.object(
  {
    id: z.string(expecting('a text')).optional(),
    parameters: fewOptions(z.object({ binary_data_output: flag.default(false) }).catchall(option)).default({
      binary_data_output: false,
    }),
    inputs: few(z.array(input).length(1, expecting('one input'))),
    outputs: few(
      z
        .array(output)
        .refine((named) => new Set(named.map(({ name }) => name)).size === named.length, 'expected each output once'),
    ).optional(),
  },
  expecting('an object'),
);

/** Says what is wrong with an entry: what was expected and what came. */
function expecting(expected: string) {
  return {
    error: ({ code, input: received, keys = [] }: { code?: string; input?: unknown; keys?: string[] }) =>
      `expected ${expected}, got ${code === 'unrecognized_keys' ? quote(keys.join(', ')) : describe(received)}`,
  };
}

function describe(received: unknown): string {
  if (received === undefined) return 'nothing';
  if (typeof received === 'string') return quote(received);
  if (Array.isArray(received)) return received.length === 1 ? 'a list of one' : `a list of ${received.length}`;
  return typeof received === 'object' && received !== null ? 'an object' : JSON.stringify(received);
}

/** A list whose length is looked at first: zod holds what is wrong with each entry, of a million as of one. */
function few<List extends z.ZodType<unknown[], unknown[]>>(list: List) {
  return z
    .array(z.unknown(), expecting('a list'))
    .max(MOST_ENTRIES, expecting(`at most ${MOST_ENTRIES}`))
    .pipe(list);
}

/** The same for what has names. */
function fewOptions<Options extends z.ZodType<Record<string, unknown>, Record<string, unknown>>>(options: Options) {
  const areFew = (named: object) => Object.keys(named).length <= MOST_ENTRIES;
  return z
    .record(z.string(), z.unknown(), expecting('an object'))
    .refine(areFew, `expected at most ${MOST_ENTRIES}`)
    .pipe(options);
}

type Input = z.infer<typeof requestSchema>['inputs'][number];

/**
 * Reads an inference request of the Open Inference Protocol, version 2, with its extension for binary
 * tensors: https://github.com/kserve/open-inference-protocol,
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 *
 * @param headerLength how many bytes at the start are JSON, where bytes of tensors follow; without it all are
 * @param width the columns that the model reads
 * @throws AppError MALFORMED_UPLOAD, FILE_TOO_LARGE, INVALID_PARAMETER or NOT_A_NUMBER
 */
export function parseInferenceRequest(
  body: Uint8Array,
  headerLength: number | undefined,
  width: number,
): InferenceRequest {
  if (headerLength === 0) return rawRequest(body, width);
  const json = body.subarray(0, headerLength);
  if (headerLength !== undefined && headerLength > body.length) {
    throw malformed(`the JSON is said to have ${headerLength} bytes, and ${body.length} came`);
  }
  const checked = requestSchema.safeParse(parseJson(json));
  if (!checked.success) {
    const [{ path, message }] = checked.error.issues;
    const place = path.length > 0 ? quote(path.join('.')) : 'the JSON';
    throw new AppError('INVALID_PARAMETER', `The request cannot be answered: ${place}: ${message}.`);
  }
  const { id, parameters, inputs, outputs } = checked.data;
  const { binary_data_output: binaryOutput, ...options } = parameters;
  return {
    id,
    values: readValues(inputs[0], body.subarray(json.length), width),
    options: Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)])),
    outputs: wantedOutputs(outputs, binaryOutput),
  };
}

/** A request that is the bytes of its one tensor alone, and is answered in bytes. */
function rawRequest(body: Uint8Array, width: number): InferenceRequest {
  const rowBytes = width * Float64Array.BYTES_PER_ELEMENT;
  if (body.length % rowBytes !== 0) {
    throw malformed(`${INPUT} as FP64 alone: expected a multiple of ${rowBytes} bytes, and ${body.length} came`);
  }
  const values = valuesInBytes('FP64', body, body.length, (body.length / rowBytes) * width);
  return { values, options: {}, outputs: wantedOutputs(undefined, true) };
}

/** Those that are named, or all. */
function wantedOutputs(named: z.infer<typeof requestSchema>['outputs'], binaryOutput: boolean): WantedOutput[] {
  if (!named?.length) return outputNames.map((name) => ({ name, binary: binaryOutput }));
  return named.map(({ name, parameters }) => ({ name, binary: parameters?.binary_data ?? binaryOutput }));
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > MOST_JSON_BYTES) {
    const expected = `at most ${MOST_JSON_BYTES} bytes of JSON; longer series as binary tensors`;
    throw new AppError('FILE_TOO_LARGE', `The JSON has ${bytes.length} bytes: expected ${expected}.`, { expected });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed(`the JSON cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function readValues({ datatype, shape, parameters, data }: Input, tail: Uint8Array, width: number): Float64Array {
  if (shape.length !== 2 || shape[1] !== width) {
    const expected = `[n, ${width}]`;
    const received = JSON.stringify(shape);
    throw new AppError('INVALID_PARAMETER', `The shape of ${INPUT}: expected ${expected}, got ${received}.`, {
      ...{ expected, received },
    });
  }
  const count = shape[0] * width;
  const { binary_data_size: size } = parameters;
  if (size === undefined && tail.length > 0)
    throw malformed(`${tail.length} bytes follow the JSON that belong nowhere`);
  return size === undefined ? valuesInJson(data, count, width) : valuesInBytes(datatype, tail, size, count);
}

/** Numbers row by row, either flat or a list for each row; null where a value is missing. */
function valuesInJson(data: unknown, count: number, width: number): Float64Array {
  if (!Array.isArray(data)) throw malformed(`the data of ${INPUT}: expected a list of numbers, got ${describe(data)}`);
  const flat: unknown[] = data.some(Array.isArray) ? rowsToFlat(data, width) : data;
  if (flat.length !== count) throw malformed(`the data of ${INPUT}: expected ${count} numbers, got ${flat.length}`);
  return Float64Array.from(flat, (value, k) => {
    if (typeof value === 'number') return value;
    if (value === null) return NaN;
    const received = describe(value);
    throw new AppError('NOT_A_NUMBER', `The data of ${INPUT}, at ${k}: expected a number or null, got ${received}.`, {
      expected: 'a number or null',
      received,
    });
  });
}

function rowsToFlat(rows: unknown[], width: number): unknown[] {
  const wrong = rows.findIndex((row) => !Array.isArray(row) || row.length !== width);
  if (wrong < 0) return rows.flat();
  const expected = `a list of ${width} like the others`;
  throw malformed(`the data of ${INPUT}, row ${wrong}: expected ${expected}, got ${describe(rows[wrong])}`);
}

/** Numbers row by row, each as little-endian bytes. */
function valuesInBytes(datatype: Input['datatype'], tail: Uint8Array, size: number, count: number): Float64Array {
  const Values = inputTypes[datatype];
  const needed = count * Values.BYTES_PER_ELEMENT;
  if (size !== needed || tail.length !== needed) {
    throw malformed(`${INPUT} as ${datatype}: expected ${needed} bytes, said are ${size}, and ${tail.length} came`);
  }
  // A copy starts where numbers may start; slice() of a Buffer is none.
  const numbers = new Values(new Uint8Array(tail).buffer);
  return numbers instanceof Float64Array ? numbers : Float64Array.from(numbers);
}

function malformed(reason: string): AppError {
  return new AppError('MALFORMED_UPLOAD', `The request cannot be read: ${reason}.`);
}
