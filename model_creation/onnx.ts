import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorProto_DataType,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';

const OPSET = 18n;
// IR version 8 came with opset 18 (ONNX 1.13), so that every runtime that knows the operators reads the file.
const IR_VERSION = 8n;

/** A dimension: a fixed size, or the name of one that a run decides. */
export type Dimension = number | string;

/** The element types of our inputs and outputs. */
export type ElementType = 'float' | 'double';

/** An attribute of an operator: a whole number, several, or a word. */
export type Attribute = number | number[] | string;

/** The numbers of a constant; the array's type decides the tensor's: float, double or int64. */
export type Numbers = Float32Array | Float64Array | BigInt64Array;

/**
 * Builds an ONNX graph operator by operator. A value is the name of a tensor in the graph; each
 * method returns the name of what it adds.
 */
export class OnnxGraph {
  private readonly nodes: NodeProto[] = [];
  private readonly constants: TensorProto[] = [];
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];

  /** Adds an input of the graph. */
  input(name: string, type: ElementType, shape: Dimension[]): string {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Makes `value` an output of the graph under the given name. */
  output(name: string, type: ElementType, shape: Dimension[], value: string): void {
    this.nodes.push(create(NodeProtoSchema, { opType: 'Identity', input: [value], output: [name], name }));
    this.outputs.push(valueInfo(name, type, shape));
  }

  /** Adds a constant tensor. */
  constant(numbers: Numbers, shape: number[]): string {
    const name = `constant_${this.constants.length}`;
    const rawData = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength).slice();
    const dims = shape.map(BigInt);
    this.constants.push(create(TensorProtoSchema, { name, dims, dataType: dataTypeOf(numbers), rawData }));
    return name;
  }

  /** Adds a constant list of whole numbers: a shape, axes, or limits. */
  integers(...numbers: number[]): string {
    return this.constant(BigInt64Array.from(numbers, BigInt), [numbers.length]);
  }

  /** Adds a constant whole number without dimensions. */
  integer(number: number): string {
    return this.constant(BigInt64Array.of(BigInt(number)), []);
  }

  /**
   * Adds an operator.
   *
   * @param opType its name in the ONNX operator set
   */
  add(opType: string, inputs: string[], attributes: Record<string, Attribute> = {}): string {
    const name = `${opType.toLowerCase()}_${this.nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.nodes.push(create(NodeProtoSchema, { opType, name, input: inputs, output: [name], attribute }));
    return name;
  }

  /** The whole graph as a model. */
  toModel(name: string): ModelProto {
    return create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: 'ae-ano-detection',
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: OPSET })],
      graph: create(GraphProtoSchema, {
        name,
        node: this.nodes,
        initializer: this.constants,
        input: this.inputs,
        output: this.outputs,
      }),
    });
  }
}

/** The bytes of a model file. */
export function encodeModel(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}

function dataTypeOf(numbers: Numbers): TensorProto_DataType {
  if (numbers instanceof Float32Array) return TensorProto_DataType.FLOAT;
  return numbers instanceof Float64Array ? TensorProto_DataType.DOUBLE : TensorProto_DataType.INT64;
}

function attributeOf(name: string, value: Attribute): AttributeProto {
  const { INT, INTS, STRING } = AttributeProto_AttributeType;
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: STRING, s: new TextEncoder().encode(value) });
  }
  return Array.isArray(value)
    ? create(AttributeProtoSchema, { name, type: INTS, ints: value.map(BigInt) })
    : create(AttributeProtoSchema, { name, type: INT, i: BigInt(value) });
}

function valueInfo(name: string, type: ElementType, shape: Dimension[]): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  const elemType = type === 'float' ? TensorProto_DataType.FLOAT : TensorProto_DataType.DOUBLE;
  const value = create(TypeProto_TensorSchema, { elemType, shape: create(TensorShapeProtoSchema, { dim }) });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value } }),
  });
}
