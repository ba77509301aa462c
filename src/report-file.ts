import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Standard output or a file, which is not touched before there is something to write. */
export class ReportFile {
  private readonly report = new PassThrough();
  private written: Promise<void> | undefined;

  /** @param path the file; without one it is standard output */
  constructor(private readonly path: string | undefined) {}

  /** Writes a piece; resolves once there may be another. */
  async write(bytes: Uint8Array): Promise<void> {
    this.written ??= this.open();
    if (!this.report.write(bytes)) await Promise.race([once(this.report, 'drain'), this.written]);
  }

  /** Ends the file and waits until all of it is written. */
  async end(): Promise<void> {
    this.report.end();
    await this.written;
  }

  private open(): Promise<void> {
    const written = pipeline(this.report, this.path ? createWriteStream(this.path) : process.stdout);
    // What goes wrong is told to whoever waits next.
    written.catch(() => undefined);
    return written;
  }
}
