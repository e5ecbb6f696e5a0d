import { writeSync } from "node:fs";
import type { LogStream } from "@stagefold/core";
import { errorCode } from "@stagefold/node-files";
import { FRAMES_FD, frameOf } from "../frames.ts";

const direct = {
  stdout: process.stdout.write.bind(process.stdout),
  stderr: process.stderr.write.bind(process.stderr),
};

/** Bytes of one frame. */
const FRAME_BYTES = 1024 * 1024;

/** What this process writes itself goes to the worker as frames, in order, whichever stream it is for. */
export function captureOutput(): void {
  for (const stream of ["stdout", "stderr"] as const)
    process[stream].write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      const encoding = typeof rest[0] === "string" && Buffer.isEncoding(rest[0]) ? rest[0] : "utf8";
      writeOutput(stream, typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
      const done = rest.find((one) => typeof one === "function");
      if (done) process.nextTick(done);
      return true;
    };
}

/** Waits, like every writer to a pipe, while the worker cannot take more. */
export function writeOutput(stream: LogStream, text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  for (let from = 0; from < bytes.length; from += FRAME_BYTES)
    writeAll(frameOf(stream, bytes.subarray(from, from + FRAME_BYTES)));
}

/** The marker after all that the stage and what it started have written. */
export async function endOutput(marker: string): Promise<void> {
  writeAll(frameOf(undefined, Buffer.from(marker)));
  await Promise.all(
    Object.values(direct).map((write) => new Promise<void>((done) => write(`${marker}\n`, () => done()))),
  );
}

/** Past the frames: for a process that ends now. */
export function lastWords(text: string, then: () => void): void {
  direct.stderr(`${text}\n`, then);
}

function writeAll(frame: Buffer): void {
  try {
    for (let done = 0; done < frame.length; ) done += writeSync(FRAMES_FD, frame, done);
  } catch (error) {
    // The worker is gone, and so is this runner in a moment.
    if (errorCode(error) !== "EPIPE") throw error;
  }
}
