import type { CellBlock, SeriesBlock } from './cell-block.js';

/**
 * Puts the straight line between its neighbours, or the nearest value at the ends, where a value is NaN,
 * and hands a block on once it has no gap that is still open.
 *
 * @param blocks in every column of which there is a value somewhere
 * @param width value columns
 */
export function* fillGaps(blocks: Iterable<CellBlock>, width: number): Generator<SeriesBlock> {
  let held: SeriesBlock[] = [];
  const columns = Array.from({ length: width }, (_, j) => new ColumnFiller(j, width));
  for (const cells of blocks) {
    const block = { ...cells, missing: missingOf(cells, width) };
    held.push(block);
    for (const column of columns) column.fill(held);
    if (columns.some((column) => column.isOpen)) continue;
    yield* held;
    held = [];
  }
  for (const column of columns) column.fillEnd(held);
  yield* held;
}

function missingOf({ values, length }: CellBlock, width: number): Uint8Array {
  const missing = new Uint8Array(length);
  for (let k = 0; k < values.length; k++) if (Number.isNaN(values[k])) missing[Math.floor(k / width)] = 1;
  return missing;
}

/** Fills the gaps of one column, which may reach over several blocks. */
class ColumnFiller {
  /** The last value so far; undefined before the first. */
  private before: number | undefined;
  /** How many points at the end of the blocks that are held wait for the value after them. */
  private open = 0;

  constructor(
    private readonly column: number,
    private readonly width: number,
  ) {}

  /** Whether the value after a gap is still to come. */
  get isOpen(): boolean {
    return this.open > 0;
  }

  /** Fills what can be filled, up to the end of the last of the blocks. */
  fill(held: SeriesBlock[]): void {
    const { values, length } = held[held.length - 1];
    for (let row = 0; row < length; row++) {
      const value = values[row * this.width + this.column];
      if (Number.isNaN(value)) {
        this.open += 1;
      } else {
        this.close(held, row, value);
        this.before = value;
      }
    }
  }

  /** Fills the gap that the series ends with, if it does. */
  fillEnd(held: SeriesBlock[]): void {
    if (held.length > 0 && this.before !== undefined) this.close(held, held[held.length - 1].length, this.before);
  }

  /** Fills the open gap backwards from a row of the last block. */
  private close(held: SeriesBlock[], end: number, after: number): void {
    const before = this.before ?? after;
    const steps = this.open + 1;
    let block = held.length - 1;
    let row = end;
    for (; this.open > 0; this.open--) {
      if (row === 0) row = held[--block].length;
      row -= 1;
      held[block].values[row * this.width + this.column] = before + ((after - before) * this.open) / steps;
    }
  }
}
