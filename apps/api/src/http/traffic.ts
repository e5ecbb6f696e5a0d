import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** How long requests may take to finish. Milliseconds. */
const CLOSE_MS = 5000;
const LOOK_MS = 25;

/** What goes on at a server, so that it can be ended in order. */
export class Traffic {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Set<ServerResponse>();

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("request", (_req, res) => {
      this.#answers.add(res);
      res.once("close", () => this.#answers.delete(res));
    });
  }

  /** Takes no more requests, cuts streams, and lets answers finish for a while. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // A stream that is cut, and not ended, is one that its reader opens again, at the next server.
    for (const res of this.#answers) if (isStream(res)) res.destroy();
    const unused = setInterval(() => this.#endUnused(), LOOK_MS);
    const late = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS);
    await closed;
    clearInterval(unused);
    clearTimeout(late);
  }

  /** The server's own way of it leaves connections that were never used, which clients keep in store. */
  #endUnused(): void {
    const used = new Set([...this.#answers].map((res) => res.socket));
    for (const socket of this.#sockets) if (!used.has(socket)) socket.destroy();
  }
}

function isStream(res: ServerResponse): boolean {
  return String(res.getHeader("content-type") ?? "").startsWith("text/event-stream");
}
