import { clockTime, risingSeconds } from '../detection/timestamps.js';

/** The timestamps of a series in a form that crosses threads without being copied. */
export interface PackedTimes {
  /** All timestamps as they stood in the CSV, one after the other. */
  text: Uint8Array;
  /** Where in `text` each ends. */
  ends: Uint32Array;
  /** Each in seconds, see {@link risingSeconds}. */
  seconds?: Float64Array;
}

/** Packs timestamps. */
export function packTimes(labels: readonly string[]): PackedTimes {
  const encoder = new TextEncoder();
  const text = encoder.encode(labels.join(''));
  const ends = new Uint32Array(labels.length);
  let end = 0;
  labels.forEach((label, i) => {
    end += isAscii(label) ? label.length : encoder.encode(label).length;
    ends[i] = end;
  });
  const seconds = risingSeconds(labels);
  return { text, ends, ...(seconds && { seconds }) };
}

/** The timestamps of a series. */
export class Times {
  private readonly decoder = new TextDecoder();

  constructor(private readonly packed: PackedTimes) {}

  /** In seconds, see {@link PackedTimes}. */
  get seconds(): Float64Array | undefined {
    return this.packed.seconds;
  }

  /** The timestamp of a point as it stood in the CSV. */
  label(point: number): string {
    const { text, ends } = this.packed;
    return this.decoder.decode(text.subarray(point > 0 ? ends[point - 1] : 0, ends[point]));
  }

  /** The same for people, see {@link clockTime}. */
  name(point: number): string {
    const label = this.label(point);
    return this.seconds ? clockTime(label) : label;
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
