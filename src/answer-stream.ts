import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { Response } from 'express';

// A reader who takes nothing for so long is gone.
const LONGEST_PAUSE_MILLISECONDS = 60_000;

/**
 * An answer that is sent while it is computed. Nothing is sent before the second piece, so that until
 * then it may still become an error, and an answer of one piece has a length.
 */
export class AnswerStream {
  /** Fires when the client goes away before it has its answer. */
  readonly gone: AbortSignal;
  private first: Uint8Array | undefined;

  constructor(
    private readonly response: Response,
    private readonly mediaType: string,
  ) {
    const controller = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) controller.abort();
    });
    this.gone = controller.signal;
  }

  /** Sends a piece; resolves once there may be another. */
  async write(bytes: Uint8Array): Promise<void> {
    const { response, first } = this;
    if (!response.headersSent && !first) {
      this.first = bytes;
      return;
    }
    if (first) {
      response.set({ 'Content-Type': this.mediaType, Trailer: 'Server-Timing' });
      this.first = undefined;
      await this.send(first);
    }
    await this.send(bytes);
  }

  /**
   * Ends the answer.
   *
   * @param timings milliseconds of each step: a header, or a trailer where the headers are out
   */
  async end(timings: Record<string, number>): Promise<void> {
    const { response, first } = this;
    const serverTiming = Object.entries(timings)
      .map(([step, milliseconds]) => `${step};dur=${milliseconds.toFixed(1)}`)
      .join(', ');
    if (response.headersSent) response.addTrailers({ 'Server-Timing': serverTiming });
    else response.set({ 'Content-Type': this.mediaType, 'Server-Timing': serverTiming });
    response.end(first);
    await finished(response);
  }

  private async send(bytes: Uint8Array): Promise<void> {
    const { response, gone } = this;
    if (response.write(bytes)) return;
    const paused = AbortSignal.timeout(LONGEST_PAUSE_MILLISECONDS);
    try {
      await once(response, 'drain', { signal: AbortSignal.any([gone, paused]) });
    } catch (error) {
      response.destroy();
      throw error;
    }
  }
}
