import type { ChildProcess } from "node:child_process";
import { Socket } from "node:net";

/*
 * How a Node process that runs code of users talks to the one that started it. The child uses Node's own channel
 * (`process.send`). Its starter reads the same lines of JSON from a plain pipe: Node's reader throws where no caller can
 * catch it when a line is no JSON, keeps a line without end in memory, and obeys messages that are meant for Node itself.
 * Code in the child can write all of these, and would end the worker or API that reads them.
 */

/** The number of the pipe in the child; where it is started, `stdio` has a "pipe" at this place. */
const CHANNEL_FD = 3;
/** What the environment of the child needs to make its channel of the pipe. Node removes it there. */
export const CHANNEL_ENV = { NODE_CHANNEL_FD: String(CHANNEL_FD) } as const;
/** Of one message. The largest has a stage's output, of at most 8 MB. */
const MAX_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

export interface ChannelListener {
  readonly message: (message: unknown) => void;
  /** Nothing more is read: what came is no message. */
  readonly garbled: (reason: string) => void;
}

/** Reads what a child says; returns what sends to it. That the child is gone, its exit alone says. */
export function openChannel(child: ChildProcess, listener: ChannelListener): (message: unknown) => void {
  const socket = child.stdio[CHANNEL_FD];
  if (!(socket instanceof Socket)) throw new Error(`Expected a child with a pipe at ${CHANNEL_FD}.`);
  const reader = new LineReader();
  socket.on("data", (bytes: Buffer) => {
    try {
      for (const line of reader.feed(bytes)) listener.message(JSON.parse(line));
    } catch (error) {
      socket.destroy();
      listener.garbled(error instanceof Error ? error.message : String(error));
    }
  });
  socket.on("error", () => undefined);
  return (message) => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
  };
}

class LineReader {
  #parts: Buffer[] = [];
  #size = 0;

  /** Errors: a line that is too long. */
  *feed(bytes: Buffer): Generator<string, void, undefined> {
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, from);
      const part = bytes.subarray(from, end < 0 ? bytes.length : end);
      from += part.length + 1;
      this.#size += part.length;
      if (this.#size > MAX_BYTES) throw new Error(`expected messages of at most ${MAX_BYTES} bytes`);
      this.#parts.push(part);
      if (end < 0) return;
      const line = Buffer.concat(this.#parts).toString();
      this.#parts = [];
      this.#size = 0;
      yield line;
    }
  }
}
