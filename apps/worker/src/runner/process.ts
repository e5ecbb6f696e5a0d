import { type ChildProcess, fork } from "node:child_process";
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import { deferred } from "../async.ts";
import { type RunnerArguments, toArguments } from "./arguments.ts";
import { openPipe } from "./pipe.ts";
import { killAll, membersOf } from "./process-tree.ts";
import { type RunnerMessage, runnerMessagesSchema, type WorkerMessage } from "./protocol.ts";

export interface RunnerOptions extends RunnerArguments {
  /** The built module that runs stages. */
  readonly script: string;
  /** All that it inherits of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Called for what a runner says, in the order in which it does. */
export interface RunnerListener {
  readonly message: (message: Exclude<RunnerMessage, { kind: "loaded" }>) => void;
  readonly output: (bytes: Buffer) => void;
  /** A message of no known form: the runner cannot be trusted any more. */
  readonly garbled: (reason: string) => void;
}

/** How long a runner may take until it is ready, in milliseconds: two slow cores may start many at once. */
const START_MS = 30_000;

/** A runner process as its worker sees it: a process in a group and session of its own. */
export class RunnerProcess {
  readonly pid: number;
  /** Its output and that of all it starts. */
  readonly output: Socket;
  /** Resolves when it has read the pipelines, or failed to: its first stage hears of that. */
  readonly loaded: Promise<void>;
  /** When every process that could write to the output is gone. */
  readonly outputEnded: Promise<void>;
  readonly exited: Promise<ProcessExit>;
  listener: RunnerListener | undefined;
  readonly #child: ChildProcess;
  readonly #loaded = deferred<void>();
  #gone = false;

  private constructor(child: ChildProcess, pid: number, output: Socket) {
    this.#child = child;
    this.loaded = this.#loaded.promise;
    this.pid = pid;
    this.output = output;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#gone = true;
        resolve({ code, signal });
      });
    });
    child.on("message", (raw) => this.#heard(raw));
    child.on("error", (error) => this.listener?.garbled(error.message));
    output.on("data", (bytes: Buffer) => this.listener?.output(bytes));
    output.on("error", (error) => this.listener?.garbled(error.message));
    this.outputEnded = new Promise((resolve) => output.once("close", () => resolve()));
  }

  static async start(options: RunnerOptions): Promise<RunnerProcess> {
    const pipe = await openPipe();
    try {
      const child = fork(options.script, toArguments(options), {
        detached: true,
        env: { ...options.env },
        execArgv: [],
        stdio: ["ignore", pipe.writeFd, pipe.writeFd, "ipc"],
      });
      if (child.pid === undefined) throw await startError(child);
      const runner = new RunnerProcess(child, child.pid, pipe.reader);
      await runner.#ready();
      return runner;
    } catch (error) {
      pipe.reader.destroy();
      throw error;
    } finally {
      closeSync(pipe.writeFd);
    }
  }

  get gone(): boolean {
    return this.#gone;
  }

  send(message: WorkerMessage): void {
    if (this.#child.connected) this.#child.send(message);
  }

  /**
   * Whether processes of the stage are still there besides the runner and those that were made before `since`; undefined
   * where that cannot be told.
   */
  hasLeftovers(tags: readonly string[], since?: number): boolean | undefined {
    const members = membersOf({ leader: this.pid, tags }, since);
    return members === undefined ? undefined : members.length > 0;
  }

  /** Ends the runner and all that belongs to the stage, at once. Resolves with the pids that could not be ended. */
  async kill(tags: readonly string[] = []): Promise<readonly number[]> {
    const refused = killAll({ leader: this.pid, tags });
    await this.exited;
    // What the runner started in its last moment.
    killAll({ leader: this.pid, tags });
    return refused;
  }

  /** Without waiting: for a worker that ends now. */
  killNow(): void {
    killAll({ leader: this.pid, tags: [] });
  }

  async #ready(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let said = "";
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), START_MS);
    });
    const ready = new Promise<"ready">((resolve) => {
      this.listener = {
        message: (message) => message.kind === "ready" && resolve("ready"),
        output: (bytes) => {
          said = (said + String(bytes)).slice(0, 2000);
        },
        garbled: (reason) => {
          said += reason;
        },
      };
    });
    const first = await Promise.race([ready, late, this.exited]);
    clearTimeout(timer);
    this.listener = undefined;
    if (first === "ready") return;
    await this.kill();
    const how = first === "late" ? `was not ready after ${START_MS / 1000} s` : exitText(first);
    throw new Error(`A runner process did not start: it ${how}. ${said}`);
  }

  #heard(raw: unknown): void {
    const parsed = runnerMessagesSchema.safeParse(raw);
    if (!parsed.success) {
      this.listener?.garbled(parsed.error.message);
      return;
    }
    for (const message of parsed.data) {
      if (message.kind === "loaded") this.#loaded.resolve();
      else this.listener?.message(message);
    }
  }
}

/** How a process ended, as the end of a sentence. */
export function exitText({ code, signal }: ProcessExit): string {
  return signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
}

function startError(child: ChildProcess): Promise<Error> {
  return new Promise((resolve) => {
    child.once("error", (error) =>
      resolve(new Error(`A runner process did not start: ${error.message}`, { cause: error })),
    );
  });
}
