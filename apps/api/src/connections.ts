import type { RequestListener, Server, ServerResponse } from "node:http";
import { isIPv6, type Socket } from "node:net";

/** How long requests may take to finish when the server closes. Milliseconds. */
const CLOSE_MS = 5000;
const UNUSED_POLL_MS = 25;
/** Requests of one connection that wait for the answer before theirs; a client with more is cut off. */
const MAX_PIPELINED = 100;

/**
 * Connections of one address that have not brought an admitted request. One more cuts the oldest that waits for no answer, so
 * that idle sockets take nothing from others, and a new client of the same address, such as a proxy, still comes in.
 */
const MAX_UNPROVEN = 256;
/** The same with those that read an answer, such as a page: beyond this the oldest of them is cut. */
const MAX_UNPROVEN_READERS = 1024;

/** The answer that a connection waits for, and the requests behind it. */
interface Connection {
  answer: ServerResponse | undefined;
  readonly waiting: (() => void)[];
}

const unproven = new WeakMap<Socket, () => void>();

/** The connection has brought a request that was admitted: it does not count as one that may be cut for another. */
export function markProven(socket: Socket): void {
  unproven.get(socket)?.();
}

/**
 * The connections of a server. A request begins when the answer before it on the same connection has ended: Node hands
 * over pipelined requests at once, and an answer that waits for its turn never learns that the socket has closed, so
 * what it had opened (a watch, a file) would stay open for ever.
 */
export class Connections {
  readonly #open = new Map<Socket, Connection>();
  /** By address, the oldest first. */
  readonly #unproven = new Map<string, Set<Socket>>();

  /** The listener, called for one request of a connection at a time. */
  inTurn(listener: RequestListener): RequestListener {
    return (req, res) => {
      const connection = this.#open.get(req.socket);
      if (!connection) return;
      const begin = () => {
        // The client has gone: its answer would reach no one.
        if (req.socket.destroyed) return;
        connection.answer = res;
        res.once("close", () => {
          connection.answer = undefined;
          connection.waiting.shift()?.();
        });
        listener(req, res);
      };
      if (!connection.answer) begin();
      else if (connection.waiting.length < MAX_PIPELINED) connection.waiting.push(begin);
      else req.socket.destroy();
    };
  }

  /** Follows the connections of a server, and cuts those on which nothing has moved for its time-out. */
  watch(server: Server): void {
    server.on("timeout", (socket: Socket) => {
      const answer = this.#open.get(socket)?.answer;
      if (answer && waitsForHandler(answer)) socket.setTimeout(server.timeout);
      else socket.destroy();
    });
    server.on("connection", (socket: Socket) => {
      const connection: Connection = { answer: undefined, waiting: [] };
      this.#open.set(socket, connection);
      this.#limit(socket);
      socket.once("close", () => {
        connection.waiting.length = 0;
        this.#open.delete(socket);
      });
    });
  }

  /** Makes room for a new connection of its address. */
  #limit(socket: Socket): void {
    const address = networkOf(socket.remoteAddress ?? "");
    const others = this.#unproven.get(address) ?? new Set<Socket>();
    this.#unproven.set(address, others.add(socket));
    const forget = () => {
      unproven.delete(socket);
      others.delete(socket);
      if (others.size === 0) this.#unproven.delete(address);
    };
    unproven.set(socket, forget);
    socket.once("close", forget);
    if (others.size <= MAX_UNPROVEN) return;
    const all = [...others];
    const idle = all.find((other) => other !== socket && !this.#open.get(other)?.answer);
    if (idle) idle.destroy();
    else if (all.length > MAX_UNPROVEN_READERS) all[0]?.destroy();
  }

  /** Takes no more requests, cuts streams, and lets answers finish for a while. */
  async close(server: Server): Promise<void> {
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // A stream that is cut, and not ended, is one that its reader opens again, at the next server.
    for (const { answer } of this.#open.values()) if (answer && isEventStream(answer)) answer.destroy();
    const unused = setInterval(() => this.#endUnused(), UNUSED_POLL_MS);
    const late = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    await closed;
    clearInterval(unused);
    clearTimeout(late);
  }

  /** The server's own way of it leaves connections that were never used, which clients keep in store. */
  #endUnused(): void {
    for (const [socket, { answer }] of this.#open) if (!answer) socket.destroy();
  }
}

/**
 * What one client of IPv6 has is a network of 64 bits. Of an address of IPv4 in IPv6, and of one of this link, the
 * network says nothing of the client.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address) || /^(?:::ffff:|64:ff9b::|fe80:)/i.test(address)) return address;
  const [before = "", after] = address.split("::");
  const groups = before.split(":");
  // `::` stands for all the zeros that are missing.
  if (after !== undefined)
    groups.push(...Array<string>(8 - groups.length - after.split(":").length).fill("0"));
  return [...groups, ...(after ?? "").split(":")].slice(0, 4).join(":");
}

/**
 * The client has sent all, and there is nothing yet that it could read: a procedure may wait for minutes, for an agent
 * or a build. Once the answer has begun, silence means that its reader takes nothing.
 */
function waitsForHandler(answer: ServerResponse): boolean {
  return answer.req.complete && !answer.headersSent;
}

export function isEventStream(res: ServerResponse): boolean {
  return String(res.getHeader("content-type") ?? "").startsWith("text/event-stream");
}
