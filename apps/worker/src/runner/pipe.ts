import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A pipe of the system: one end for a child's stdout and stderr, the other to read. */
export interface Pipe {
  /** File descriptor for the child; close it here once the child has it. */
  readonly writeFd: number;
  /** Ends when every process that has the other end is gone. */
  readonly reader: Socket;
}

/**
 * A real pipe, which Node itself makes none of: its own are sockets, and a script that writes to /dev/stderr
 * fails on those. Stdout and stderr through one pipe also stay in order.
 */
export async function openPipe(): Promise<Pipe> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-"));
  try {
    const path = join(folder, "output");
    await run("mkfifo", ["-m", "600", path]);
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeFd = openWriter(path, readFd);
    return { writeFd, reader: new Socket({ fd: readFd, readable: true, writable: false }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function openWriter(path: string, readFd: number): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    closeSync(readFd);
    throw error;
  }
}
