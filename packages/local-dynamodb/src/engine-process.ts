import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "./events.ts";

export interface EngineExit {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

/** An engine that has been started, whatever it is. */
export interface EngineProcess {
  readonly pid: number;
  /** Resolves when the process has ended. Never rejects. */
  readonly exited: Promise<EngineExit>;
  /** Resolves when the engine says that it listens; `quietMs` returns how long it has said nothing. */
  readonly listening: Promise<void>;
  quietMs(): number;
  /** The last lines it wrote, for the sentence that says why it ended. */
  lastLines(): string;
  /** Asks it to end, then makes it; resolves when it has ended. */
  stop(): Promise<void>;
}

const STOP_MS = 8_000;
const KEPT_LINES = 5;

/** What both engines have in common: output to the log, the end, and stopping. */
export function watchChild(child: ChildProcess & { pid: number }, log: Log, askToStop: () => void) {
  const kept: string[] = [];
  let heardAt = performance.now();
  const heard = () => {
    heardAt = performance.now();
  };
  const listeners: ((line: string) => void)[] = [];
  const onLine = (stream: "stdout" | "stderr") => (line: string) => {
    heard();
    if (line.trim() === "") return;
    kept.push(line);
    if (kept.length > KEPT_LINES) kept.shift();
    log({ event: "engine_output", stream, line });
    for (const listener of listeners) listener(line);
  };
  readLines(child.stdout, onLine("stdout"));
  readLines(child.stderr, onLine("stderr"));
  const exited = new Promise<EngineExit>((resolve) => {
    // "close" comes after the last line; an engine's own child may keep the pipes open, so "exit" has a say too.
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
    child.once("exit", (exitCode, signal) => setTimeout(() => resolve({ exitCode, signal }), 100));
  });
  return {
    pid: child.pid,
    exited,
    heard,
    onOutput: (listener: (line: string) => void) => listeners.push(listener),
    quietMs: () => performance.now() - heardAt,
    lastLines: () => kept.join(" | "),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      askToStop();
      const patience = new AbortController();
      await Promise.race([exited, sleep(STOP_MS, undefined, { signal: patience.signal }).catch(ignoreAbort)]);
      patience.abort();
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Waits for the pid of a spawned child, or for the error that kept it from starting. */
export function spawned<C extends ChildProcess>(child: C): Promise<C & { pid: number }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      child.off("error", reject);
      // Later errors are failed signals to a process that has just ended; its end is reported by itself.
      child.on("error", () => undefined);
      if (hasPid(child)) resolve(child);
      else reject(new Error("the started process has no pid"));
    });
  });
}

function hasPid<C extends ChildProcess>(child: C): child is C & { pid: number } {
  return child.pid !== undefined;
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream !== null)
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", onLine);
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
}
