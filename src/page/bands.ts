/** A run of neighbouring points, counted from 0, both ends included. */
export interface Run {
  start: number;
  end: number;
}

/** Where a run is painted: its edges on a horizontal axis. */
export interface Band<R extends Run> {
  run: R;
  left: number;
  right: number;
}

/**
 * Where runs are painted that follow each other: half a point beyond either end, none thinner than an eye
 * can see, and no place twice.
 *
 * @param place where a point lies on the axis, rising
 * @param thinnest the least width of a band
 * @param edges the ends of the axis
 */
export function bandsOf<R extends Run>(
  runs: readonly R[],
  place: (point: number) => number,
  thinnest: number,
  edges: [left: number, right: number],
): Band<R>[] {
  const bands: Band<R>[] = [];
  let painted = edges[0];
  for (const run of runs) {
    const from = place(run.start - 0.5);
    const to = Math.max(place(run.end + 0.5), from + thinnest);
    if (from >= edges[1]) break;
    // What is painted already only hides the beginning of a band: its end stays where it belongs.
    const [left, right] = [Math.max(painted, from), Math.min(edges[1], to)];
    if (right <= left) continue;
    bands.push({ run, left, right });
    painted = right;
  }
  return bands;
}

/** The runs of points that are marked by 1, where all others are 0. */
export function runsOf(marked: Uint8Array): Run[] {
  const runs: Run[] = [];
  for (let start = marked.indexOf(1); start >= 0;) {
    const after = marked.indexOf(0, start);
    const end = after < 0 ? marked.length - 1 : after - 1;
    runs.push({ start, end });
    start = marked.indexOf(1, end + 1);
  }
  return runs;
}
