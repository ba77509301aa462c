import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Knows the connections of a server and which of them have a request under way. */
export class Connections {
  private readonly requestsUnderWay = new Map<Socket, number>();
  private closing = false;

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.requestsUnderWay.set(socket, 0);
      socket.once('close', () => this.requestsUnderWay.delete(socket));
    });
    server.on('request', (request, response) => {
      const { socket } = request;
      this.count(socket, 1);
      response.once('close', () => this.count(socket, -1));
    });
  }

  /**
   * Ends every connection as soon as it has no request under way: at once, or with its last answer.
   * Node's own `closeIdleConnections()` passes over connections that never sent anything.
   */
  closeWhenIdle(): void {
    this.closing = true;
    for (const [socket, requests] of this.requestsUnderWay) if (requests === 0) socket.destroy();
  }

  private count(socket: Socket, change: number): void {
    const requests = (this.requestsUnderWay.get(socket) ?? 0) + change;
    if (!socket.destroyed) this.requestsUnderWay.set(socket, requests);
    // end() lets the last bytes of the answer go out.
    if (this.closing && requests === 0) socket.end();
  }
}
