import type { ModelProto } from 'onnx-buf';
import type { FittedHead } from './autoencoder.js';
import { type ElementType, OnnxGraph } from './onnx.js';
import type { Scaling } from './prepare.js';

/** A head of the graph. */
export interface GraphHead extends FittedHead {
  /** What its error is divided by, one for each column that it sees: a high quantile of its errors on normal data. */
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
  /** For each column the points over which its error is averaged, after all. */
  smoothing: number[];
}

// Far beyond all that training can have seen, and far below what float overflows at once squared.
const LARGEST_SCALED = 1e6;

/**
 * Writes everything between raw values and reconstruction errors as one ONNX graph (opset 18).
 *
 * Input `series` double [n, c]; outputs `error` float [n], `column_error` float [n, c] and
 * `expected` double [n, c]. For each head: windows, softmax over the prototypes, mean squared error
 * of each window and column, averaged over the windows that cover a point. Then for each column the
 * largest of the normalised heads that see it and the root of its level head, weighted and smoothed; the
 * largest column is the error of the point. `expected` is the mean of what the longest windows of the
 * heads that see a column alone reconstruct.
 */
export function buildGraph({ scaling, heads, varianceFloor, levelWeight, smoothing }: GraphParts): ModelProto {
  const builder = new AutoencoderGraph(scaling, varianceFloor);
  const outputs = heads.map((head) => ({ head, ...builder.addHead(head) }));
  const columns = scaling.map((_, j) => {
    const seeing = outputs.filter(({ head }) => head.columns.includes(j));
    const errors = (normalised: boolean) =>
      seeing
        .filter(({ head }) => head.normalised === normalised)
        .map(({ head, error }) => builder.column(error, head.columns, j));
    const error = builder.smooth(builder.combine(errors(true), errors(false), levelWeight), smoothing[j]);
    const fewest = Math.min(...seeing.map(({ head }) => head.columns.length));
    const closest = seeing.filter(({ head }) => head.columns.length === fewest);
    const longest = Math.max(...closest.map(({ head }) => head.window));
    const expected = closest
      .filter(({ head }) => head.window === longest)
      .map((output) => builder.column(output.expected, output.head.columns, j));
    return { error, expected: builder.mean(expected) };
  });
  return builder.finish(columns);
}

/** The parts of the graph, each a method. Windows are rows: [windows, columns × window]. */
class AutoencoderGraph {
  private readonly graph = new OnnxGraph();
  private readonly width: number;
  private readonly length: string;
  private readonly scaled: string;
  private readonly means: string;
  private readonly scales: string;

  constructor(
    scaling: Scaling[],
    private readonly varianceFloor: number,
  ) {
    const { graph } = this;
    this.width = scaling.length;
    this.means = graph.constant(
      Float64Array.from(scaling, (s) => s.mean),
      [this.width],
    );
    this.scales = graph.constant(
      Float64Array.from(scaling, (s) => s.scale),
      [this.width],
    );
    const series = graph.input('series', 'double', ['n', this.width]);
    this.length = graph.add('Squeeze', [graph.add('Shape', [series], { start: 0, end: 1 })]);
    this.scaled = this.scaleInDouble(series);
  }

  /** Adds a head: its error and what it expects, each [n, columns that it sees]. */
  addHead(head: GraphHead): { error: string; expected: string } {
    const { graph } = this;
    const { window } = head;
    const width = head.columns.length;
    const points = this.windowPoints(head);
    const gathered = graph.add('Gather', [this.columnsOf(head), points], { axis: 0 });
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
      error: this.averageOverWindows(everyPoint, points, width),
      expected: this.averageOverWindows(restored, points, width),
    };
  }

  /** [n, 1]: one of the columns [n, columns]. */
  column(values: string, columns: number[], j: number): string {
    const { graph } = this;
    return columns.length === 1
      ? values
      : graph.add('Gather', [values, graph.integers(columns.indexOf(j))], { axis: 1 });
  }

  /** The mean of values of the same shape; zero where there are none. */
  mean(values: string[]): string {
    if (values.length === 0) return this.nothing();
    return this.times(
      values.reduce((a, b) => this.graph.add('Add', [a, b])),
      1 / values.length,
    );
  }

  /** The largest shape error and the root of the largest level error, weighted; or the one that there is. */
  combine(shapes: string[], levels: string[], levelWeight: number): string {
    const { graph } = this;
    const largest = (errors: string[]) => (errors.length > 1 ? graph.add('Max', errors) : errors[0]);
    if (shapes.length === 0 && levels.length === 0) return this.nothing();
    if (levels.length === 0) return largest(shapes);
    const level = graph.add('Sqrt', [largest(levels)]);
    if (shapes.length === 0) return level;
    return graph.add('Add', [this.times(largest(shapes), 1 - levelWeight), this.times(level, levelWeight)]);
  }

  /** Averages [n, 1] over `points` points around each, over fewer at the ends. */
  smooth(error: string, points: number): string {
    if (points <= 1) return error;
    const { graph } = this;
    const before = Math.floor(points / 2);
    const rows = graph.add('Unsqueeze', [graph.add('Transpose', [error], { perm: [1, 0] }), graph.integers(0)]);
    const pooled = graph.add('AveragePool', [rows], { kernel_shape: [points], pads: [before, points - 1 - before] });
    return graph.add('Transpose', [graph.add('Squeeze', [pooled, graph.integers(0)])], { perm: [1, 0] });
  }

  /** Adds the outputs; what there is of each column is [n, 1]. */
  finish(columns: { error: string; expected: string }[]): ModelProto {
    const { graph, width } = this;
    const joined = (values: string[]) => (values.length > 1 ? graph.add('Concat', values, { axis: 1 }) : values[0]);
    const columnError = joined(columns.map(({ error }) => error));
    const expected = joined(columns.map((column) => column.expected));
    const inUnits = graph.add('Mul', [cast(graph, expected, 'double'), this.scales]);
    const error = graph.add('ReduceMax', [columnError, graph.integers(1)], { keepdims: 0 });
    graph.output('error', 'float', ['n'], error);
    graph.output('column_error', 'float', ['n', width], columnError);
    graph.output('expected', 'double', ['n', width], graph.add('Add', [inUnits, this.means]));
    return graph.toModel('autoencoder');
  }

  /**
   * Values near 1e9 lose their detail in float, so they are scaled before they are cast; and they are
   * clipped, so that no input however large gives an error that is not finite.
   */
  private scaleInDouble(series: string): string {
    const { graph } = this;
    const scaled = graph.add('Div', [graph.add('Sub', [series, this.means]), this.scales]);
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

  /** [windows, width, window] to [n, width]: the mean of what all windows that cover a point say of it. */
  private averageOverWindows(values: string, points: string, width: number): string {
    const { graph } = this;
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

  /** The scaled columns that a head sees, [n, columns]. */
  private columnsOf({ columns }: GraphHead): string {
    if (columns.length === this.width) return this.scaled;
    return this.graph.add('Gather', [this.scaled, this.graph.integers(...columns)], { axis: 1 });
  }

  /** Zeros [n, 1], for a column that no head sees. */
  private nothing(): string {
    return this.times(this.graph.add('Gather', [this.scaled, this.graph.integers(0)], { axis: 1 }), 0);
  }

  private times(value: string, factor: number): string {
    return this.graph.add('Mul', [value, this.graph.constant(Float32Array.of(factor), [])]);
  }
}

function cast(graph: OnnxGraph, value: string, type: ElementType): string {
  return graph.add('Cast', [value], { to: type === 'float' ? 1 : 11 });
}
