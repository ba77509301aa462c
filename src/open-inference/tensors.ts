import type { WholeDetection } from '../detection/detect.js';
import { scoreOf } from '../detection/interval.js';

/** The types of tensors that the service reads or writes, by their names in the protocol. */
export type Datatype = 'FP64' | 'FP32' | 'BOOL';

/** How a tensor is described. */
export interface TensorMetadata {
  name: string;
  datatype: Datatype;
  /** Its extents; -1 for the number of points. */
  shape: number[];
}

/** A tensor of an answer, its values row by row. */
export type TensorValues = Float64Array | Float32Array | Uint8Array;

/** A tensor that is answered. */
interface OutputTensor {
  datatype: Datatype;
  /** Whether it has a value for each column. */
  byColumn: boolean;
  values: (detection: WholeDetection) => TensorValues;
}

/** The name of the one input. */
export const INPUT = 'series';

/** What is answered of n points of c columns: the outputs of the model, then what the verdict says of each point. */
export const outputs = {
  error: { datatype: 'FP32', byColumn: false, values: ({ reconstruction }) => reconstruction.error },
  column_error: { datatype: 'FP32', byColumn: true, values: ({ reconstruction }) => reconstruction.columnError },
  expected: { datatype: 'FP64', byColumn: true, values: ({ reconstruction }) => reconstruction.expected },
  score: {
    datatype: 'FP32',
    byColumn: false,
    values: ({ reconstruction: { error }, verdict: { threshold } }) => error.map((each) => scoreOf(each, threshold)),
  },
  isAnomaly: { datatype: 'BOOL', byColumn: false, values: ({ isAnomaly }) => isAnomaly },
} satisfies Record<string, OutputTensor>;

/** The name of an output. */
export type OutputName = keyof typeof outputs;

/** The names of all outputs, in order. */
export const outputNames = Object.keys(outputs) as OutputName[];

/** What a model of so many columns reads. */
export function describeInputs(width: number): TensorMetadata[] {
  return [{ name: INPUT, datatype: 'FP64', shape: [-1, width] }];
}

/** What a model of so many columns answers. */
export function describeOutputs(width: number): TensorMetadata[] {
  return outputNames.map((name) => ({ name, datatype: outputs[name].datatype, shape: shapeOf(name, -1, width) }));
}

/** The extents of an output for so many points and columns. */
export function shapeOf(name: OutputName, length: number, width: number): number[] {
  return outputs[name].byColumn ? [length, width] : [length];
}
