import { finished } from 'node:stream/promises';
import type { Response } from 'express';

// A reader who has not taken a piece after so long is gone, or as good as.
const LONGEST_PIECE_MILLISECONDS = 60_000;

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
    /** May be changed until the first piece is there. */
    public mediaType: string,
  ) {
    const controller = new AbortController();
    if (response.closed) controller.abort();
    response.once('close', () => {
      if (!response.writableFinished) controller.abort();
    });
    this.gone = controller.signal;
  }

  /** Sends a piece; resolves once the client has taken it and there may be another. */
  async write(bytes: Uint8Array): Promise<void> {
    const { response, first } = this;
    if (!response.headersSent && !first) {
      this.first = bytes.slice();
      return;
    }
    if (first) {
      response.set('Content-Type', this.mediaType);
      if (this.mayHaveTrailer) response.set('Trailer', 'Server-Timing');
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
    if (!response.headersSent) response.set({ 'Content-Type': this.mediaType, 'Server-Timing': serverTiming });
    else if (this.mayHaveTrailer) response.addTrailers({ 'Server-Timing': serverTiming });
    response.end(first);
    await finished(response);
  }

  /** Trailers follow chunks: HTTP/1.0 knows none, and an answer whose length is told has none. */
  private get mayHaveTrailer(): boolean {
    const { response } = this;
    return response.useChunkedEncodingByDefault && !response.hasHeader('Content-Length');
  }

  private async send(bytes: Uint8Array): Promise<void> {
    const { response, gone } = this;
    const timer = setTimeout(() => response.destroy(), LONGEST_PIECE_MILLISECONDS);
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = () => reject(new Error('The client went away.'));
        if (gone.aborted) fail();
        gone.addEventListener('abort', fail, { once: true });
        response.write(bytes, (error) => {
          gone.removeEventListener('abort', fail);
          if (error) reject(error);
          else resolve();
        });
      });
    } finally {
      clearTimeout(timer);
    }
  }
}
