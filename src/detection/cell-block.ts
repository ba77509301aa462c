const COMMA = 44;

/** The rows of a CSV as they came, as rows of a CSV with commas, without its newlines. */
export interface CarriedRows {
  bytes: Uint8Array;
  /** Where each row ends in the bytes. */
  ends: Uint32Array;
}

/** Rows of a CSV that follow each other. */
export interface CellBlock {
  /** The number of rows. */
  length: number;
  /** The numbers, shape [rows, value columns] row by row; NaN where there is none. */
  values: Float64Array;
  /** The timestamp of each row, where there is a column of them. */
  timestamps?: string[];
  /** The rows as they came, where they are wanted. */
  rows?: CarriedRows;
}

/** Points of a series that follow each other. */
export interface SeriesBlock extends CellBlock {
  /**
   * 1 where a point lacks a value in some column, shape [rows]. What stands in `values` there is the
   * straight line between the neighbours that have one.
   */
  missing: Uint8Array;
}

/** Puts a block together, cell by cell. */
export class BlockBuilder {
  /** The number of whole rows. */
  length = 0;
  private values: Float64Array;
  private timestamps: string[] = [];
  private bytes = new Uint8Array(0);
  private used = 0;
  private ends: Uint32Array;

  /**
   * @param points how many rows there is room for
   * @param width value columns
   * @param hasTimestamps whether a column is one of timestamps
   * @param carries whether rows are kept as they came
   */
  constructor(
    private readonly points: number,
    private readonly width: number,
    private readonly hasTimestamps: boolean,
    private readonly carries: boolean,
  ) {
    this.values = new Float64Array(points * width);
    this.ends = new Uint32Array(points);
  }

  /** Sets the number in a value column of the row. */
  setValue(column: number, value: number): void {
    this.values[this.length * this.width + column] = value;
  }

  /** Sets the timestamp of the row. */
  setTimestamp(timestamp: string): void {
    this.timestamps.push(timestamp);
  }

  /** Keeps the row as it came; its delimiters become commas. */
  carry(row: Uint8Array, delimiter = COMMA): void {
    const { used } = this;
    if (used + row.length > this.bytes.length) this.grow(row.length);
    const { bytes } = this;
    // Rows are short: a loop is faster than set().
    for (let i = 0; i < row.length; i++) bytes[used + i] = row[i] === delimiter ? COMMA : row[i];
    this.used += row.length;
  }

  /** Goes on to the next row. */
  endRow(): void {
    this.ends[this.length++] = this.used;
  }

  /** Hands the block over and starts the next one. */
  take(): CellBlock {
    const { length, points, width, timestamps, used } = this;
    const block: CellBlock = {
      length,
      values: length === points ? this.values : this.values.slice(0, length * width),
      ...(this.hasTimestamps && { timestamps }),
      ...(this.carries && { rows: { bytes: this.bytes.subarray(0, used), ends: this.ends.subarray(0, length) } }),
    };
    this.values = new Float64Array(points * width);
    this.ends = new Uint32Array(points);
    this.timestamps = [];
    this.bytes = new Uint8Array(this.bytes.length);
    this.used = 0;
    this.length = 0;
    return block;
  }

  private grow(needed: number): void {
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, 4096, this.used + needed));
    larger.set(this.bytes.subarray(0, this.used));
    this.bytes = larger;
  }
}
