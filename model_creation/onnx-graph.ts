import type { ModelProto } from 'onnx-buf';
import type { DenseLayer } from './autoencoder.js';
import { OnnxGraph, type ElementType } from './onnx.js';
import type { Scaling } from './prepare.js';

/** What a graph needs to know: how raw values are scaled, and the layers of the autoencoder. */
export interface GraphParts {
  /** Points in a window. */
  window: number;
  /** One for each column. */
  scaling: Scaling[];
  /** From input to output; the first takes and the last gives window × columns values. */
  layers: DenseLayer[];
}

/**
 * Writes everything between raw values and reconstruction errors as one ONNX graph (opset 18).
 *
 * Input `series` double [n, c]; outputs `error` float [n], `column_error` float [n, c] and
 * `expected` double [n, c]. Windows are columns of a matrix here, [c × window, n − window + 1], so
 * that cutting them is a reshape and no gather.
 */
export function buildGraph({ window, scaling, layers }: GraphParts): ModelProto {
  const graph = new OnnxGraph();
  const width = scaling.length;
  const mean = graph.constant(
    Float64Array.from(scaling, (s) => s.mean),
    [width],
  );
  const scale = graph.constant(
    Float64Array.from(scaling, (s) => s.scale),
    [width],
  );

  const series = graph.input('series', 'double', ['n', width]);
  const length = graph.add('Shape', [series], { start: 0, end: 1 });
  const scaled = scaleInDouble(graph, series, mean, scale);
  const windows = cutWindows(graph, scaled, length, window, width);
  const reconstructed = layers.reduce((input, layer) => dense(graph, input, layer), windows);

  const difference = graph.add('Sub', [reconstructed, windows]);
  const squared = graph.add('Mul', [difference, difference]);
  const covering = coverage(graph, length, window);
  const average = (values: string) => averageOverWindows(graph, values, covering, length, window, width);

  const columnError = average(squared);
  const error = graph.add('ReduceMean', [columnError, graph.integers(1)], { keepdims: 0 });
  const expected = unscale(graph, average(reconstructed), mean, scale);
  graph.output('error', 'float', ['n'], error);
  graph.output('column_error', 'float', ['n', width], columnError);
  graph.output('expected', 'double', ['n', width], expected);
  return graph.toModel('autoencoder');
}

// Far beyond all that training can have seen, and far below what float overflows at once squared.
const LARGEST_SCALED = 1e6;

/**
 * Values near 1e9 lose their detail in float, so they are scaled before they are cast; and they are
 * clipped, so that no input however large gives an error that is not finite.
 */
function scaleInDouble(graph: OnnxGraph, series: string, mean: string, scale: string): string {
  const scaled = graph.add('Div', [graph.add('Sub', [series, mean]), scale]);
  const limit = (value: number) => graph.constant(Float64Array.of(value), []);
  return cast(graph, graph.add('Clip', [scaled, limit(-LARGEST_SCALED), limit(LARGEST_SCALED)]), 'float');
}

function unscale(graph: OnnxGraph, scaled: string, mean: string, scale: string): string {
  return graph.add('Add', [graph.add('Mul', [cast(graph, scaled, 'double'), scale]), mean]);
}

function cast(graph: OnnxGraph, value: string, type: ElementType): string {
  return graph.add('Cast', [value], { to: type === 'float' ? 1 : 11 });
}

/**
 * [n, c] to [c × window, n − window + 1]: the series stands `window` times in a row, and rows one
 * longer than the series shift each copy by one point against the one before.
 */
function cutWindows(graph: OnnxGraph, scaled: string, length: string, window: number, width: number): string {
  const columns = graph.add('Reshape', [
    graph.add('Transpose', [scaled], { perm: [1, 0] }),
    graph.integers(width, 1, -1),
  ]);
  const copies = graph.add('Expand', [
    columns,
    graph.add('Concat', [graph.integers(width, window), length], { axis: 0 }),
  ]);
  const inARow = graph.add('Reshape', [copies, graph.integers(width, -1)]);
  const padded = graph.add('Pad', [inARow, graph.integers(0, 0, 0, window)]);
  const shifted = graph.add('Reshape', [padded, graph.integers(width, window, -1)]);
  const count = graph.add('Sub', [length, graph.integers(window - 1)]);
  const whole = graph.add('Slice', [shifted, graph.integers(0), count, graph.integers(2)]);
  return graph.add('Reshape', [whole, graph.integers(width * window, -1)]);
}

function dense(graph: OnnxGraph, input: string, layer: DenseLayer): string {
  const { inputs, outputs, kernel, bias, activation } = layer;
  const weights = graph.constant(transpose(kernel, inputs, outputs), [outputs, inputs]);
  const product = graph.add('MatMul', [weights, input]);
  const sum = graph.add('Add', [product, graph.constant(bias, [outputs, 1])]);
  return activation === 'relu' ? graph.add('Relu', [sum]) : sum;
}

function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]);
}

/** How many windows cover each point, float [n]: min(i + 1, n − i, window, n − window + 1). */
function coverage(graph: OnnxGraph, length: string, window: number): string {
  const one = graph.integer(1);
  const n = graph.add('Squeeze', [length]);
  const fromStart = graph.add('Range', [one, graph.add('Add', [n, one]), one]);
  const fromEnd = graph.add('Sub', [graph.add('Add', [n, one]), fromStart]);
  const windows = graph.add('Sub', [n, graph.integer(window - 1)]);
  return cast(graph, graph.add('Min', [fromStart, fromEnd, graph.integer(window), windows]), 'float');
}

/** [c × window, windows] to [n, c]: the mean of what all windows that cover a point say of it. */
function averageOverWindows(
  graph: OnnxGraph,
  values: string,
  covering: string,
  length: string,
  window: number,
  width: number,
): string {
  const batch = graph.add('Unsqueeze', [values, graph.integers(0)]);
  const image = graph.add('Concat', [graph.integers(1), length], { axis: 0 });
  const sums = graph.add('Col2Im', [batch, image, graph.integers(1, window)]);
  const means = graph.add('Div', [graph.add('Reshape', [sums, graph.integers(width, -1)]), covering]);
  return graph.add('Transpose', [means], { perm: [1, 0] });
}
