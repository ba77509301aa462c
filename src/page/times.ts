import { isNumber } from '../detection/numbers.js';
import { epochSeconds, ISO_8601 } from '../detection/timestamps.js';

const CLOCK = /^(\d{2})(?::?(\d{2}))?(?::?(\d{2})([.,]\d+)?)?/;

/** The timestamps of a series in a form that crosses threads without being copied. */
export interface PackedTimes {
  /** All timestamps as they stood in the CSV, one after the other. */
  text: Uint8Array;
  /** Where in `text` each ends. */
  ends: Uint32Array;
  /** Each in seconds since 1970 by the clock that it was written by, where they can be read and never fall. */
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
  const seconds = Float64Array.from(labels, secondsOf);
  const readable = seconds.every((second, i) => Number.isFinite(second) && (i === 0 || second >= seconds[i - 1]));
  return { text, ends, ...(readable && { seconds }) };
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

  /** The same for people: an epoch as date and time of UTC, as the axis has it. */
  name(point: number): string {
    const label = this.label(point);
    if (!this.seconds || !isNumber(label)) return label;
    const date = new Date(this.seconds[point] * 1000);
    if (Number.isNaN(date.getTime())) return label;
    return date
      .toISOString()
      .replace('T', ' ')
      .replace(/(\.000)?Z$/, '');
  }
}

/** Reads a timestamp by the clock that it was written by: its zone, if it has one, does not count. */
function secondsOf(label: string): number {
  if (isNumber(label)) return epochSeconds(Number(label));
  if (!ISO_8601.test(label)) return NaN;
  const [hours, minutes, seconds, fraction] = (CLOCK.exec(label.slice(11)) ?? []).slice(1);
  const day = Date.UTC(Number(label.slice(0, 4)), Number(label.slice(5, 7)) - 1, Number(label.slice(8, 10)) || 1);
  const clock = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  return day / 1000 + clock + Number((fraction ?? '0').replace(',', '.'));
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
