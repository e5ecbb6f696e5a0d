import { once } from "node:events";
import {
  Agent,
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, Faults, Rewrite } from "./faults.ts";
import type { Journal, Write } from "./journal.ts";
import { itemAfter, operationOf, parse, withItem, writeOf } from "./wire.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Request {
  readonly operation: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Stands between one program and the engine: journals what passes, and does to it what the faults say. */
export class NetworkProxy implements AsyncDisposable {
  /** Nothing passes while it is true. */
  partitioned = false;
  readonly #name: string;
  readonly #target: string;
  readonly #journal: Journal;
  readonly #faults: Faults;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #onTheWay = new Set<Promise<unknown>>();

  constructor(name: string, target: string, journal: Journal, faults: Faults) {
    this.#name = name;
    this.#target = target;
    this.#journal = journal;
    this.#faults = faults;
    this.#server = createServer((incoming, outgoing) => {
      // The sender went away, or the engine did: either way there is no answer.
      this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  /** Resolves with the address to give to the program. */
  async open(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("expected a port");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Resolves when nothing is on its way to the engine any more. */
  async drained(): Promise<void> {
    while (this.#onTheWay.size > 0) await Promise.all(this.#onTheWay);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.drained();
    this.#agent.destroy();
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = {
      operation: operationOf(incoming.headers["x-amz-target"]),
      method: incoming.method ?? "POST",
      headers: incoming.headers,
      body: await read(incoming),
    };
    if (this.partitioned) outgoing.destroy();
    else await this.#pass(request, outgoing, this.#faults.next(request.operation));
  }

  async #pass(request: Request, outgoing: ServerResponse, fault: Fault): Promise<void> {
    switch (fault.kind) {
      case "none":
        return respond(outgoing, await this.#send(request));
      case "cut":
        outgoing.destroy();
        return;
      case "swallow":
        await this.#send(request);
        outgoing.destroy();
        return;
      case "silence":
        await this.#send(request);
        return;
      case "half":
        return respondHalf(outgoing, await this.#send(request));
      case "delay": {
        const answer = await this.#send(request);
        await sleep(fault.ms);
        return respond(outgoing, answer);
      }
      case "hold":
        outgoing.destroy();
        this.#later(request, fault.until, fault.rewrite);
        return;
      case "repeat":
        this.#later(request, fault.until);
        return respond(outgoing, await this.#send(request));
      default:
        return fault satisfies never;
    }
  }

  #later(request: Request, until: () => Promise<unknown>, rewrite?: Rewrite): void {
    const sent = until().then(() => this.#send(request, rewrite));
    // The engine may be down just then: the journal has it, and no sender waits for the answer.
    this.#track(sent.catch(() => undefined));
  }

  #track(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.#onTheWay.delete(tracked));
    this.#onTheWay.add(tracked);
  }

  #send(request: Request, rewrite?: Rewrite): Promise<Answer> {
    const sent = this.#journalled(request, rewrite);
    this.#track(sent.catch(() => undefined));
    return sent;
  }

  async #journalled(request: Request, rewrite?: Rewrite): Promise<Answer> {
    const { operation, body } = request;
    const known = writeOf(operation, body);
    const write = known && this.#journal.sent(this.#name, known);
    const telling = operation === "UpdateItem" ? withItem(body) : body;
    const changed = { ...request, body: rewrite ? rewrite(telling) : telling };
    try {
      const answer = await this.#forward(changed);
      if (write) conclude(write, changed, answer);
      return telling === body ? answer : withoutItem(answer);
    } catch (error) {
      if (write && codeOf(error) === "ECONNREFUSED") this.#journal.unsent(write);
      throw error;
    }
  }

  async #forward({ method, headers: { host: _host, ...headers }, body }: Request): Promise<Answer> {
    const length = { "content-length": String(body.length) };
    const call = forward(this.#target, { agent: this.#agent, method, headers: { ...headers, ...length } });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      call.once("response", resolve).once("error", reject);
    });
    call.end(body);
    const incoming = await answered;
    return {
      status: incoming.statusCode ?? 502,
      headers: incoming.headers,
      body: await read(incoming),
    };
  }
}

/** The sender wanted no item: the journal alone had it. */
function withoutItem(answer: Answer): Answer {
  const { "x-amz-crc32": _sum, "content-length": _length, ...headers } = answer.headers;
  const { Attributes: _item, ...rest } = parse(answer.body);
  return { ...answer, headers, body: Buffer.from(JSON.stringify(rest)) };
}

function conclude(write: Write, { operation, body }: Request, answer: Answer): void {
  write.answeredAt = performance.now();
  if (answer.status === 200) {
    write.outcome = "accepted";
    write.item = itemAfter(operation, body, answer.body);
    return;
  }
  const text = answer.body.toString();
  if (text.includes("ConditionalCheckFailedException")) write.outcome = "refused";
  else if (answer.status < 500) {
    write.outcome = "wrong";
    write.answer = text.slice(0, 500);
  }
}

function respond(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  outgoing.writeHead(status, headers).end(body);
}

function respondHalf(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  outgoing.writeHead(status, headers);
  outgoing.write(body.subarray(0, Math.floor(body.length / 2)), () => outgoing.destroy());
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
