import type { Duplex } from "node:stream";
import { StagefoldError } from "@stagefold/core";
import { errorShapeOf } from "../routers/index.ts";

const LINGER_MS = 1000;

/** Answers what could not be read as a request at all. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
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
          "The address and headers of a request may have 262144 bytes.",
          {
            limit: 262_144,
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
