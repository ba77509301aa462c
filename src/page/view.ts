/** The stretch of a series on screen, in points counted from 0; not rounded, so that motion stays smooth. */
export interface View {
  from: number;
  to: number;
}

const FEWEST_POINTS = 16;
const ROUNDING = 1e-3;
const LEFT_BY_ROUNDING = 1e-6;
// An interval is shown with this many times its own length on each side, and enough to tell what is normal.
const SURROUNDINGS = 2;
const LEAST_SURROUNDINGS = 200;

/** The whole of a series. */
export function wholeOf(length: number): View {
  return { from: 0, to: length - 1 };
}

/** The first and the last point of a stretch. */
export function pointsIn({ from, to }: View): [first: number, last: number] {
  return [Math.max(Math.ceil(from - ROUNDING), 0), Math.floor(to + ROUNDING)];
}

/** Shows `factor` times as many points, and keeps the point `centre` where it is on screen. */
export function zoom({ from, to }: View, factor: number, centre: number, length: number): View {
  const span = Math.min(Math.max((to - from) * factor, leastSpan(length)), length - 1);
  const start = centre - ((centre - from) / (to - from)) * span;
  return within({ from: start, to: start + span }, length);
}

/** Moves by a number of points, as far as the series goes. */
export function pan({ from, to }: View, points: number, length: number): View {
  return within({ from: from + points, to: to + points }, length);
}

/** An interval with what is around it. */
export function around(start: number, end: number, length: number): View {
  const margin = Math.max((end - start) * SURROUNDINGS, LEAST_SURROUNDINGS);
  const span = Math.min(end - start + 2 * margin, length - 1);
  return within({ from: start - margin, to: start - margin + span }, length);
}

/** Tells whether a view shows all points. */
export function showsAll({ from, to }: View, length: number): boolean {
  return from <= 0 && to >= length - 1;
}

/** Tells whether a view shows as few points as there may be. */
export function showsLeast({ from, to }: View, length: number): boolean {
  return to - from <= leastSpan(length) + ROUNDING;
}

function leastSpan(length: number): number {
  return Math.min(FEWEST_POINTS, length - 1);
}

function within({ from, to }: View, length: number): View {
  const span = to - from;
  const most = length - 1;
  // Zooming in and as far out again leaves a little of rounding.
  if (span > most * (1 - LEFT_BY_ROUNDING)) return wholeOf(length);
  const start = Math.min(Math.max(from, 0), Math.max(most - span, 0));
  return { from: start, to: Math.min(start + span, most) };
}
