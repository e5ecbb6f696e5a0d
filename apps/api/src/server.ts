import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { StagefoldError } from "@stagefold/core";
import { addressOf } from "@stagefold/runtime/env";
import { Connections } from "./connections.ts";
import { errorShapeOf } from "./errors.ts";
import { createApp } from "./http/app.ts";
import type { ApiDeps } from "./http/deps.ts";
import { isLoopback } from "./http/host-check.ts";

export interface Listen {
  /** Of the loopback interface unless callers must say who they are. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /**
   * A connection on which nothing has moved for so long is cut, unless it waits for the answer to a request that is here
   * as a whole; 45,000 unless given. Milliseconds.
   */
  readonly stalledMs?: number;
}

/** A serving API. */
export interface Api extends AsyncDisposable {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Ends streams, lets requests finish for up to five seconds, then ends those too. */
  close(): Promise<void>;
}

/** The API cannot be served as asked; the message is a sentence for the one who started it. */
export class ApiStartError extends Error {
  readonly code: "HOST_NOT_LOOPBACK" | "PORT_IN_USE" | "CANNOT_LISTEN";

  constructor(code: ApiStartError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiStartError";
    this.code = code;
  }
}

/** A batch of short calls is to be refused by its count, not by its length. Bytes. */
const MAX_HEADER_BYTES = 256 * 1024;
/** Less than the minute within which a reader that takes nothing is let go. */
const STALLED_MS = 45_000;

/** Serves an API. Errors: ApiStartError. */
export async function startApi(deps: ApiDeps, listen: Listen): Promise<Api> {
  if (!deps.auth && !isLoopback(listen.host))
    throw new ApiStartError(
      "HOST_NOT_LOOPBACK",
      `The API cannot listen on ${listen.host}: it needs no sign-in, so it serves this machine alone. Use 127.0.0.1, ::1 or localhost, or set STAGEFOLD_AUTH.`,
    );
  const app = createApp(deps);
  const connections = new Connections();
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 15_000,
      // A slow line may take its time for a large artifact; one that stands still is cut sooner.
      requestTimeout: 3_600_000,
      // Longer than proxies keep theirs, a minute: else one sends a request just when this side closes the connection.
      keepAliveTimeout: 75_000,
      connectionsCheckingInterval: 5000,
      // The guard refuses it, with an answer like every other.
      requireHostHeader: false,
    },
    connections.inTurn(app.listener),
  );
  // Streams are kept in use by their pings: what is silent for so long has lost its reader or its sender, or waits for
  // its handler; `connections` tells these apart.
  server.timeout = listen.stalledMs ?? STALLED_MS;
  connections.watch(server);
  server.on("clientError", answerBrokenRequest);
  const url = await listening(server, listen);
  app.start();
  const close = async () => {
    await connections.close(server);
    await app.close();
  };
  return { url, close, [Symbol.asyncDispose]: close };
}

async function listening(server: Server, { host, port }: Listen): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(startError(cause, host, port)));
    server.listen({ host, port }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new ApiStartError("CANNOT_LISTEN", `The API cannot listen on ${host}: it got no port.`);
  return addressOf(host, (address satisfies AddressInfo).port);
}

function startError(cause: NodeJS.ErrnoException, host: string, port: number): ApiStartError {
  if (cause.code === "EADDRINUSE")
    return new ApiStartError(
      "PORT_IN_USE",
      `Port ${port} on ${host} is in use. Stop what uses it, or choose another with STAGEFOLD_PORT.`,
      { cause },
    );
  return new ApiStartError("CANNOT_LISTEN", `The API cannot listen on ${host}:${port} (${cause.code}).`, {
    cause,
  });
}

const LINGER_MS = 1000;

/** Answers what could not be read as a request at all. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, refusal] = refusalOf(error.code);
  const body = JSON.stringify({ error: errorShapeOf(refusal) });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // What is still on its way is read and dropped: cut off too early, the client would not see the answer.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function refusalOf(code: string | undefined): [status: string, error: StagefoldError] {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return [
        "431 Request Header Fields Too Large",
        new StagefoldError(
          "PAYLOAD_TOO_LARGE",
          `The address and headers of a request may have ${MAX_HEADER_BYTES} bytes.`,
          {
            limit: MAX_HEADER_BYTES,
          },
        ),
      ];
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return [
        "408 Request Timeout",
        new StagefoldError("INVALID_INPUT", "The request did not arrive in time.", {}),
      ];
    default:
      return ["400 Bad Request", new StagefoldError("INVALID_INPUT", "The request is not valid HTTP.", {})];
  }
}
