import type { MessagePort } from 'node:worker_threads';
import { waitForChange } from './shared-memory.js';

/** What the two ends of an outbox share: the entries of an Int32Array. */
export const outboxEntries = {
  /** 1 once nobody waits for the answer any more. */
  abandoned: 0,
  /** How many of the pieces that were sent have been taken. */
  taken: 1,
  count: 2,
} as const;

/** A piece of an answer; the pieces of each format are together the whole of it. */
export interface AnswerPiece<Format extends string = string> {
  format: Format;
  bytes: Uint8Array;
}

// A small answer goes back with the job's own, without a message for each piece.
const KEPT_BYTES = 256 * 1024;
/** So many pieces may wait to be taken: a caller who reads slowly slows the work down instead of filling memory. */
export const PIECES_AHEAD = 4;
const LARGEST_PIECE = 256 * 1024;

/** Where a worker puts the pieces of an answer while it computes. */
export class Outbox {
  /** How many pieces were sent. */
  sent = 0;
  /** Milliseconds spent waiting for the caller. */
  waited = 0;
  private kept: AnswerPiece[] = [];
  private keptBytes = 0;
  /** Memory that the pieces travel in, used again and again: what is handed over stays until it is collected. */
  private places: SharedArrayBuffer | undefined;

  /** @param entries shared with who takes the pieces, see {@link outboxEntries} */
  constructor(
    private readonly port: MessagePort,
    private readonly entries: Int32Array,
  ) {}

  /** Ends the work once nobody waits for the answer. */
  checkpoint(): void {
    if (Atomics.load(this.entries, outboxEntries.abandoned) === 1) {
      throw new Error('Nobody waits for the answer any more.');
    }
  }

  /** Takes the next piece; resolves once there may be another. Small answers stay here until they are taken. */
  async write(piece: AnswerPiece): Promise<void> {
    this.kept.push(piece);
    this.keptBytes += piece.bytes.length;
    if (this.sent === 0 && this.keptBytes < KEPT_BYTES) return;
    for (const { format, bytes } of this.kept.splice(0)) {
      for (let from = 0; from < bytes.length; from += LARGEST_PIECE) {
        await this.send({ format, bytes: bytes.subarray(from, from + LARGEST_PIECE) });
      }
    }
  }

  /** The pieces that were not sent. */
  takeRest(): AnswerPiece[] {
    return this.kept.splice(0);
  }

  private async send({ format, bytes }: AnswerPiece): Promise<void> {
    await this.waitForPlace();
    this.places ??= new SharedArrayBuffer(PIECES_AHEAD * LARGEST_PIECE);
    const place = new Uint8Array(this.places, (this.sent % PIECES_AHEAD) * LARGEST_PIECE, bytes.length);
    place.set(bytes);
    this.port.postMessage({ format, bytes: place } satisfies AnswerPiece);
    this.sent += 1;
  }

  private async waitForPlace(): Promise<void> {
    const started = performance.now();
    const { entries } = this;
    for (;;) {
      this.checkpoint();
      const taken = Atomics.load(entries, outboxEntries.taken);
      if (this.sent - taken < PIECES_AHEAD) break;
      await waitForChange(entries, outboxEntries.taken, taken);
    }
    this.waited += performance.now() - started;
  }
}

/** The same bytes in memory that can be handed to another thread: small buffers share theirs with others. */
export function ownedBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const isOwn = buffer instanceof ArrayBuffer && bytes.byteLength > Buffer.poolSize;
  return isOwn ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
