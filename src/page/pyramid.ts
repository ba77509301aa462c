/** Numbers as the browser keeps them. */
export type Numbers = Float32Array | Float64Array;

const FINEST_STEP = 8;

interface Level {
  step: number;
  min: Float64Array;
  max: Float64Array;
}

/**
 * The extremes of runs of points, for runs of 8, 16, 32, … points. With them any stretch of a series is
 * thinned in the time that its pixels take, whatever its length, and no peak is lost.
 */
export class Pyramid {
  private readonly levels: Level[] = [];

  constructor(readonly values: Numbers) {
    let finer: Level = { step: 1, min: values as Float64Array, max: values as Float64Array };
    for (let step = FINEST_STEP; step < values.length; step *= 2) {
      finer = coarser(finer, step);
      this.levels.push(finer);
    }
  }

  /**
   * The smallest and the largest value of each run of `step` points (a power of two) from run `first` to
   * run `last`: two numbers a run.
   */
  extremes(first: number, last: number, step: number): Float64Array {
    const level = this.levels.findLast((candidate) => candidate.step <= step);
    const { min, max, step: own } = level ?? { min: this.values, max: this.values, step: 1 };
    const ratio = step / own;
    const out = new Float64Array((last - first + 1) * 2);
    for (let run = first; run <= last; run++) {
      putExtremes(min, max, run * ratio, Math.min((run + 1) * ratio, min.length), out, (run - first) * 2);
    }
    return out;
  }
}

const made = new WeakMap<Numbers, Pyramid[]>();

/** The pyramid of a column of `values`, shape [n, width], row by row; made once for as long as they live. */
export function pyramidOf(values: Numbers, width = 1, column = 0): Pyramid {
  const pyramids = made.get(values) ?? [];
  made.set(values, pyramids);
  return (pyramids[column] ??= new Pyramid(width === 1 ? values : columnOf(values, width, column)));
}

function columnOf(values: Numbers, width: number, column: number): Float64Array {
  return Float64Array.from({ length: values.length / width }, (_, i) => values[i * width + column]);
}

function coarser({ min, max, step: own }: Level, step: number): Level {
  const ratio = step / own;
  const runs = Math.ceil(min.length / ratio);
  const level = { step, min: new Float64Array(runs), max: new Float64Array(runs) };
  const pair = new Float64Array(2);
  for (let run = 0; run < runs; run++) {
    putExtremes(min, max, run * ratio, Math.min((run + 1) * ratio, min.length), pair, 0);
    [level.min[run], level.max[run]] = pair;
  }
  return level;
}

function putExtremes(min: Numbers, max: Numbers, from: number, to: number, out: Float64Array, place: number): void {
  let smallest = Infinity;
  let largest = -Infinity;
  for (let i = from; i < to; i++) {
    if (min[i] < smallest) smallest = min[i];
    if (max[i] > largest) largest = max[i];
  }
  out[place] = smallest;
  out[place + 1] = largest;
}

/** A stretch of a series thinned for drawing: places on the x axis, and a row of values for each series. */
export type Thinned = [places: Float64Array, ...values: Float64Array[]];

/**
 * Thins several series of one length alike, to at most three points a pixel; a stretch that has fewer is
 * given point by point.
 *
 * @param from the first point wanted
 * @param to the last point wanted
 * @param pixels what the stretch is drawn on
 */
export function thin(pyramids: readonly Pyramid[], from: number, to: number, pixels: number): Thinned {
  const length = pyramids[0].values.length;
  const perPixel = (to - from + 1) / Math.max(pixels, 1);
  // One point beyond each end, so that lines leave the picture rather than end in it.
  const start = Math.max(0, Math.floor(from) - 1);
  const end = Math.min(length - 1, Math.ceil(to) + 1);
  if (perPixel <= 2) return everyPoint(pyramids, start, end);
  const step = 2 ** Math.round(Math.log2(perPixel));
  const first = Math.floor(start / step);
  const last = Math.floor(end / step);
  const places = Float64Array.from({ length: (last - first + 1) * 2 }, (_, k) =>
    Math.min((first + k / 2) * step, length - 1),
  );
  return [places, ...pyramids.map((pyramid) => pyramid.extremes(first, last, step))];
}

function everyPoint(pyramids: readonly Pyramid[], start: number, end: number): Thinned {
  const places = Float64Array.from({ length: end - start + 1 }, (_, k) => start + k);
  return [places, ...pyramids.map(({ values }) => Float64Array.from(values.subarray(start, end + 1)))];
}
