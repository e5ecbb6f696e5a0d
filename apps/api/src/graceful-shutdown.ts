import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";

/** How long requests may take to finish. Milliseconds. */
const CLOSE_MS = 5000;
const UNUSED_POLL_MS = 25;

/** Stops once, on the first signal or when the parent process is gone; a second signal ends the process at once. */
export function stopOnSignals(log: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (reason: string) => {
    if (stopping) {
      log.warn({ reason }, "ending at once");
      process.exit(1);
    }
    stopping = true;
    log.info({ reason }, "stopping");
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, "could not stop in order");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => onSignal("SIGTERM"));
  process.on("SIGINT", () => onSignal("SIGINT"));
  process.on("disconnect", () => {
    if (!stopping) onSignal("the process that started this one is gone");
  });
}

/** The connections and unfinished answers of a server, so that it can be closed in order. */
export class OpenConnections {
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
    const unused = setInterval(() => this.#endUnused(), UNUSED_POLL_MS);
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
