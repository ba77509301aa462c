import { ByteWriter } from '../detection/byte-writer.js';
import { collect, type Detection, wholeDetection, type WholeDetection } from '../detection/detect.js';
import type { InferenceRequest, WantedOutput } from './request.js';
import { outputs, shapeOf, type TensorMetadata, type TensorValues } from './tensors.js';

/**
 * A piece of an answer: of its body, or before it, where bytes of tensors follow the JSON, in digits how many
 * bytes the body has and how many at its start are JSON.
 */
export interface InferencePiece {
  format: 'length' | 'headerLength' | 'body';
  bytes: Uint8Array;
}

/** An answer as JSON. */
export interface InferenceAnswer {
  /** The model that answered. */
  model_name: string;
  /** Its version. */
  model_version: string;
  /** The caller's name for the request, where it gave one. */
  id?: string;
  /** The verdict in numbers: percentile, margin, threshold, anomalousPoints; and reasons to doubt it as `warnings`. */
  parameters: Record<string, number | string>;
  outputs: AnsweredTensor[];
}

/** A tensor of an answer. */
export interface AnsweredTensor extends TensorMetadata {
  /** `binary_data_size`, the number of its bytes, where they follow the JSON. */
  parameters?: Record<string, number>;
  /** Its values row by row, where they do not. */
  data?: number[] | boolean[];
}

const PIECE_BYTES = 64 * 1024;

/** Writes what a request is answered, in pieces. */
export async function* writeInferenceResponse(
  detection: Detection,
  request: InferenceRequest,
): AsyncGenerator<InferencePiece> {
  const whole = wholeDetection(detection, await collect(detection.blocks(false)));
  const json = jsonPieces(whole, request);
  const tails = request.outputs.filter(({ binary }) => binary).map(({ name }) => bytesOf(outputs[name].values(whole)));
  if (tails.length === 0) {
    for (const bytes of json) yield { format: 'body', bytes };
    return;
  }
  const header = Buffer.concat([...json]);
  const length = tails.reduce((sum, tail) => sum + tail.length, header.length);
  yield { format: 'length', bytes: Buffer.from(`${length}`) };
  yield { format: 'headerLength', bytes: Buffer.from(`${header.length}`) };
  yield { format: 'body', bytes: header };
  for (const bytes of tails) yield { format: 'body', bytes };
}

function* jsonPieces(whole: WholeDetection, { id, outputs: wanted }: InferenceRequest): Generator<Uint8Array> {
  const { name, version } = whole.model;
  const { percentile, margin, threshold, anomalousPoints, warnings } = whole.verdict;
  const doubts = warnings.map(({ message }) => message).join(' ');
  const parameters = { percentile, margin, threshold, anomalousPoints, ...(doubts && { warnings: doubts }) };
  const head = JSON.stringify({ model_name: name, model_version: version, id, parameters });
  const writer = new ByteWriter();
  writer.text(`${head.slice(0, -1)},"outputs":[`);
  for (const [i, output] of wanted.entries()) {
    if (i > 0) writer.ascii(',');
    yield* outputPieces(whole, output, writer);
  }
  writer.ascii(']}');
  yield writer.take();
}

function* outputPieces(whole: WholeDetection, output: WantedOutput, writer: ByteWriter): Generator<Uint8Array> {
  const { name, binary } = output;
  const { columns, length } = whole.series;
  const values = outputs[name].values(whole);
  const head = { name, datatype: outputs[name].datatype, shape: shapeOf(name, length, columns.length) };
  if (binary) {
    writer.text(JSON.stringify({ ...head, parameters: { binary_data_size: values.byteLength } }));
    return;
  }
  writer.text(`${JSON.stringify(head).slice(0, -1)},"data":[`);
  for (let k = 0; k < values.length; k++) {
    if (k > 0) writer.ascii(',');
    writeValue(values, k, writer);
    if (writer.length > PIECE_BYTES) yield writer.take();
  }
  writer.ascii(']}');
}

function writeValue(values: TensorValues, k: number, writer: ByteWriter): void {
  if (values instanceof Uint8Array) writer.ascii(values[k] === 1 ? 'true' : 'false');
  else if (values instanceof Float32Array) writer.float(values[k]);
  else writer.double(values[k]);
}

function bytesOf({ buffer, byteOffset, byteLength }: TensorValues): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
