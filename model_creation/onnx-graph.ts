import type { ModelProto } from 'onnx-buf';
import type { FittedHead } from './autoencoder.js';
import { type ElementType, OnnxGraph } from './onnx.js';
import type { Scaling } from './prepare.js';

/** A head of the graph. */
export interface GraphHead extends FittedHead {
  /** What its error is divided by, one for each column: a high quantile of its errors on normal data. */
  errorScale: number[];
}

/** What a graph needs to know. */
export interface GraphParts {
  /** One for each column. */
  scaling: Scaling[];
  heads: GraphHead[];
  /** What is added to the variance of a window before a normalised head divides by its root. */
  varianceFloor: number;
  /** The weight of the level head in the error, 0 to 1; that of the others is the rest. */
  levelWeight: number;
  /** Points over which the error is averaged, after all. */
  smoothing: number;
}

// Far beyond all that training can have seen, and far below what float overflows at once squared.
const LARGEST_SCALED = 1e6;

/**
 * Writes everything between raw values and reconstruction errors as one ONNX graph (opset 18).
 *
 * Input `series` double [n, c]; outputs `error` float [n], `column_error` float [n, c] and
 * `expected` double [n, c]. For each head: windows, softmax over the prototypes, mean squared error
 * of each window and column, averaged over the windows that cover a point. Then the largest of the
 * normalised heads and the root of the level head, weighted and smoothed; the largest column is the
 * error of the point. `expected` is the mean of what the heads with the longest window reconstruct.
 */
export function buildGraph({ scaling, heads, varianceFloor, levelWeight, smoothing }: GraphParts): ModelProto {
  const builder = new AutoencoderGraph(scaling, varianceFloor);
  const outputs = heads.map((head) => ({ head, ...builder.addHead(head) }));
  const longest = Math.max(...heads.map(({ window }) => window));
  const shapes = outputs.filter(({ head }) => head.normalised).map(({ error }) => error);
  const levels = outputs.filter(({ head }) => !head.normalised).map(({ error }) => error);
  const columnError = builder.smooth(builder.combine(shapes, levels, levelWeight), smoothing);
  const expected = outputs.filter(({ head }) => head.window === longest).map((output) => output.expected);
  return builder.finish(columnError, expected);
}

/** The parts of the graph, each a method. Windows are rows: [windows, columns × window]. */
class AutoencoderGraph {
  private readonly graph = new OnnxGraph();
  private readonly width: number;
  private readonly length: string;
  private readonly scaled: string;
  private readonly mean: string;
  private readonly scale: string;

  constructor(
    scaling: Scaling[],
    private readonly varianceFloor: number,
  ) {
    const { graph } = this;
    this.width = scaling.length;
    this.mean = graph.constant(
      Float64Array.from(scaling, (s) => s.mean),
      [this.width],
    );
    this.scale = graph.constant(
      Float64Array.from(scaling, (s) => s.scale),
      [this.width],
    );
    const series = graph.input('series', 'double', ['n', this.width]);
    this.length = graph.add('Squeeze', [graph.add('Shape', [series], { start: 0, end: 1 })]);
    this.scaled = this.scaleInDouble(series);
  }

  /** Adds a head: its error and what it expects, each [n, c]. */
  addHead(head: GraphHead): { error: string; expected: string } {
    const { graph, width } = this;
    const { window } = head;
    const points = this.windowPoints(head);
    const gathered = graph.add('Gather', [this.scaled, points], { axis: 0 });
    const windows = graph.add('Transpose', [gathered], { perm: [0, 2, 1] });
    const { input, center, spread } = this.normalise(windows, head);
    const flat = graph.add('Reshape', [input, graph.integers(-1, width * window)]);
    const reconstructed = graph.add('Reshape', [this.reconstruct(flat, head), graph.integers(-1, width, window)]);
    const difference = graph.add('Sub', [reconstructed, input]);
    const squared = graph.add('Mul', [difference, difference]);
    const windowError = graph.add('ReduceMean', [squared, graph.integers(2)], { keepdims: 1 });
    const scale = graph.constant(Float32Array.from(head.errorScale), [width, 1]);
    const everyPoint = graph.add('Expand', [graph.add('Div', [windowError, scale]), graph.add('Shape', [windows])]);
    const restored = graph.add('Add', [graph.add('Mul', [reconstructed, spread]), center]);
    return {
      error: this.averageOverWindows(everyPoint, points),
      expected: this.averageOverWindows(restored, points),
    };
  }

  /** The largest shape error and the root of the largest level error, weighted; or the one that there is. */
  combine(shapes: string[], levels: string[], levelWeight: number): string {
    const { graph } = this;
    const largest = (errors: string[]) => (errors.length > 1 ? graph.add('Max', errors) : errors[0]);
    if (levels.length === 0) return largest(shapes);
    const level = graph.add('Sqrt', [largest(levels)]);
    if (shapes.length === 0) return level;
    return graph.add('Add', [this.times(largest(shapes), 1 - levelWeight), this.times(level, levelWeight)]);
  }

  /** Averages [n, c] over `points` points around each, over fewer at the ends. */
  smooth(columnError: string, points: number): string {
    if (points <= 1) return columnError;
    const { graph } = this;
    const before = Math.floor(points / 2);
    const rows = graph.add('Unsqueeze', [graph.add('Transpose', [columnError], { perm: [1, 0] }), graph.integers(0)]);
    const pooled = graph.add('AveragePool', [rows], { kernel_shape: [points], pads: [before, points - 1 - before] });
    return graph.add('Transpose', [graph.add('Squeeze', [pooled, graph.integers(0)])], { perm: [1, 0] });
  }

  finish(columnError: string, expected: string[]): ModelProto {
    const { graph, width } = this;
    const sum = expected.reduce((a, b) => graph.add('Add', [a, b]));
    const inUnits = graph.add('Mul', [cast(graph, this.times(sum, 1 / expected.length), 'double'), this.scale]);
    const error = graph.add('ReduceMax', [columnError, graph.integers(1)], { keepdims: 0 });
    graph.output('error', 'float', ['n'], error);
    graph.output('column_error', 'float', ['n', width], columnError);
    graph.output('expected', 'double', ['n', width], graph.add('Add', [inUnits, this.mean]));
    return graph.toModel('autoencoder');
  }

  /**
   * Values near 1e9 lose their detail in float, so they are scaled before they are cast; and they are
   * clipped, so that no input however large gives an error that is not finite.
   */
  private scaleInDouble(series: string): string {
    const { graph } = this;
    const scaled = graph.add('Div', [graph.add('Sub', [series, this.mean]), this.scale]);
    const limit = (value: number) => graph.constant(Float64Array.of(value), []);
    return cast(graph, graph.add('Clip', [scaled, limit(-LARGEST_SCALED), limit(LARGEST_SCALED)]), 'float');
  }

  /** The points of each window, int64 [windows, window]: one each stride, one more that ends with the series. */
  private windowPoints({ window, stride }: FittedHead): string {
    const { graph } = this;
    const last = graph.add('Sub', [this.length, graph.integer(window)]);
    const end = graph.add('Add', [last, graph.integer(1)]);
    const regular = graph.add('Range', [graph.integer(0), end, graph.integer(stride)]);
    const starts = graph.add('Concat', [regular, graph.add('Unsqueeze', [last, graph.integers(0)])], { axis: 0 });
    const offsets = graph.constant(
      BigInt64Array.from({ length: window }, (_, k) => BigInt(k)),
      [1, window],
    );
    return graph.add('Add', [graph.add('Unsqueeze', [starts, graph.integers(1)]), offsets]);
  }

  /** What a head sees of its windows [windows, c, window], and what takes it back. */
  private normalise(windows: string, { normalised }: FittedHead): Record<'input' | 'center' | 'spread', string> {
    const { graph } = this;
    if (!normalised) {
      const [zero, one] = [0, 1].map((value) => graph.constant(Float32Array.of(value), [1]));
      return { input: windows, center: zero, spread: one };
    }
    const center = graph.add('ReduceMean', [windows, graph.integers(2)], { keepdims: 1 });
    const centered = graph.add('Sub', [windows, center]);
    const squared = graph.add('Mul', [centered, centered]);
    const variance = graph.add('ReduceMean', [squared, graph.integers(2)], { keepdims: 1 });
    const floor = graph.constant(Float32Array.of(this.varianceFloor), [1]);
    const spread = graph.add('Sqrt', [graph.add('Add', [variance, floor])]);
    return { input: graph.add('Div', [centered, spread]), center, spread };
  }

  /** softmax(−|x − prototype|² / 2·temperature) · prototypes; |x|² is the same for all and falls out. */
  private reconstruct(flat: string, { prototypes, count, temperature }: FittedHead): string {
    const { graph } = this;
    const size = prototypes.length / count;
    const memory = graph.constant(prototypes, [count, size]);
    const bias = Float32Array.from({ length: count }, (_, row) => {
      const prototype = prototypes.subarray(row * size, (row + 1) * size);
      return -prototype.reduce((sum, value) => sum + value * value, 0) / (2 * temperature);
    });
    const products = graph.add('MatMul', [
      this.times(flat, 1 / temperature),
      graph.add('Transpose', [memory], { perm: [1, 0] }),
    ]);
    const logits = graph.add('Add', [products, graph.constant(bias, [count])]);
    return graph.add('MatMul', [graph.add('Softmax', [logits], { axis: 1 }), memory]);
  }

  /** [windows, c, window] to [n, c]: the mean of what all windows that cover a point say of it. */
  private averageOverWindows(values: string, points: string): string {
    const { graph, width } = this;
    const perWindow = graph.add('Transpose', [values], { perm: [0, 2, 1] });
    const updates = graph.add('Reshape', [perWindow, graph.integers(-1, width)]);
    const rows = graph.add('Reshape', [points, graph.integers(-1, 1)]);
    const sums = this.addUp(rows, updates, width);
    const ones = graph.add('Expand', [graph.constant(Float32Array.of(1), [1, 1]), graph.add('Shape', [rows])]);
    // Every head counts the windows over its points once for its errors and once for what it expects:
    // ONNX Runtime merges the two.
    return graph.add('Div', [sums, this.addUp(rows, ones, 1)]);
  }

  private addUp(rows: string, updates: string, width: number): string {
    const { graph } = this;
    const shape = graph.add(
      'Concat',
      [graph.add('Unsqueeze', [this.length, graph.integers(0)]), graph.integers(width)],
      {
        axis: 0,
      },
    );
    const zeros = graph.add('Expand', [graph.constant(Float32Array.of(0), [1, 1]), shape]);
    const indices = width === 1 ? rows : graph.add('Expand', [rows, graph.add('Shape', [updates])]);
    return graph.add('ScatterElements', [zeros, indices, updates], { axis: 0, reduction: 'add' });
  }

  private times(value: string, factor: number): string {
    return this.graph.add('Mul', [value, this.graph.constant(Float32Array.of(factor), [])]);
  }
}

function cast(graph: OnnxGraph, value: string, type: ElementType): string {
  return graph.add('Cast', [value], { to: type === 'float' ? 1 : 11 });
}
