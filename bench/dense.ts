import type { ModelProto } from 'onnx-buf';
import seedrandom from 'seedrandom';
import { OnnxGraph } from '../model_creation/onnx.js';

/** Points in a window of the dense autoencoder. */
export const DENSE_WINDOW = 64;
const LAYERS = [64, 16, 64, 64];

/**
 * The plain dense autoencoder that our cost is measured by: every window of 64 points through layers
 * of 64, 16, 64 and 64, squared errors averaged over the windows that cover a point. Windows are cut
 * in the graph and added up with Col2Im, the fastest form for one window a point. The weights are
 * random: they do not change the time.
 *
 * Input `series` double [n, 1]; output `error` float [n].
 */
export function denseAutoencoder(): ModelProto {
  const graph = new OnnxGraph();
  const values = graph.add('Cast', [graph.input('series', 'double', ['n', 1])], { to: 1 });
  const length = graph.add('Shape', [values], { start: 0, end: 1 });
  const windows = cutWindows(graph, values, length);
  const random = seedrandom('dense');
  const output = LAYERS.reduce((input, size, layer) => {
    const inputs = layer === 0 ? DENSE_WINDOW : LAYERS[layer - 1];
    const kernel = graph.constant(
      Float32Array.from({ length: size * inputs }, () => (random() - 0.5) / Math.sqrt(inputs)),
      [size, inputs, 1],
    );
    const dense = graph.add('Conv', [input, kernel, graph.constant(new Float32Array(size), [size])]);
    return layer === LAYERS.length - 1 ? dense : graph.add('Relu', [dense]);
  }, windows);
  const difference = graph.add('Sub', [output, windows]);
  const sums = addUp(graph, graph.add('Mul', [difference, difference]), length);
  const ones = graph.add('Expand', [graph.constant(Float32Array.of(1), [1, 1, 1]), graph.add('Shape', [windows])]);
  const mean = graph.add('Div', [sums, addUp(graph, ones, length)]);
  graph.output('error', 'float', ['n'], graph.add('Reshape', [mean, graph.integers(-1)]));
  return graph.toModel('dense');
}

/** [n, 1] to [1, window, n − window + 1]: rows shifted by one point each, made by a reshape. */
function cutWindows(graph: OnnxGraph, values: string, length: string): string {
  const rows = graph.add('Concat', [graph.integers(DENSE_WINDOW), length], { axis: 0 });
  const flat = graph.add('Transpose', [values], { perm: [1, 0] });
  const repeated = graph.add('Reshape', [graph.add('Expand', [flat, rows]), graph.integers(-1)]);
  const padded = graph.add('Pad', [repeated, graph.integers(0, DENSE_WINDOW)]);
  const longer = graph.add('Add', [length, graph.integers(1)]);
  const shape = graph.add('Concat', [graph.integers(1, DENSE_WINDOW), longer], { axis: 0 });
  const shifted = graph.add('Reshape', [padded, shape]);
  const count = graph.add('Sub', [longer, graph.integers(DENSE_WINDOW)]);
  return graph.add('Slice', [shifted, graph.integers(0), count, graph.integers(2)]);
}

/** [1, window, windows] to the sums over the windows that cover a point. */
function addUp(graph: OnnxGraph, perWindow: string, length: string): string {
  const image = graph.add('Concat', [graph.integers(1), length], { axis: 0 });
  return graph.add('Col2Im', [perWindow, image, graph.integers(1, DENSE_WINDOW)]);
}
