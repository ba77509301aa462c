import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on the loopback interface that can go away and come back at the same address. */
export class LoopbackServer {
  private server?: Server;
  private port = 0;

  constructor(private readonly handler: RequestListener) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens, at the same port as before where there was one. */
  async up(): Promise<void> {
    this.server = createServer(this.handler).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Refuses connections, after those that are open have had their answers. */
  async down(): Promise<void> {
    if (!this.server?.listening) return;
    this.server.close();
    this.server.closeIdleConnections();
    await once(this.server, 'close');
  }
}

/** Waits until something is so. */
export async function until(what: () => boolean, seconds = 20): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!what()) {
    if (performance.now() > end) throw new Error(`not so within ${seconds} s: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
