import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, constants, existsSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  endingText,
  hasTag,
  killAll,
  membersOf,
  memoryOf,
  newTag,
  type ProcessExit,
  type ProcessTree,
  underTag,
} from "@stagefold/node-files";
import { CHANNEL_ENV, openChannel } from "@stagefold/pipeline";
import { deferred } from "../async.ts";
import { type RunnerMessage, runnerMessagesSchema, toArguments, type WorkerMessage } from "./protocol.ts";

export interface RunnerOptions {
  /** The built module that runs stages. */
  readonly script: string;
  /** All that it inherits of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The process that it must not outlive. */
  readonly workerPid: number;
}

/**
 * What a runner and all it starts write: `stdout` and `stderr` as they are, and what the code of a stage writes in the
 * runner itself as frames (see `frames.ts`), which keep the order of all its streams.
 */
export const OUTPUT_NAMES = ["stdout", "stderr", "frames"] as const;
export type OutputName = (typeof OUTPUT_NAMES)[number];

/** Called for what a runner says, in the order in which it does. What it throws counts as a message of no known form. */
export interface RunnerListener {
  readonly message: (message: RunnerMessage) => void;
  readonly output: (from: OutputName, bytes: Buffer) => void;
  /** The runner cannot be trusted any more. */
  readonly garbled: (reason: string) => void;
}

/** How long a runner may take until it is ready, in milliseconds: two slow cores may start many at once. */
const START_MS = 30_000;

/** A runner process as its worker sees it: in a group and session of its own, under a tag that its children inherit. */
export class RunnerProcess {
  readonly pid: number;
  /** When every process that could write to the output is gone. */
  readonly outputEnded: Promise<void>;
  readonly exited: Promise<ProcessExit>;
  listener: RunnerListener | undefined;
  /** Whose code has run in it: it runs no other user's from then on. */
  user: string | undefined;
  readonly #send: (message: unknown) => void;
  readonly #tree: ProcessTree;
  readonly #outputs: readonly Socket[];
  readonly #modules = new Set<string | undefined>();
  #gone = false;

  private constructor(child: ChildProcess, tree: ProcessTree, outputs: readonly Socket[]) {
    this.#tree = tree;
    this.pid = tree.leader;
    this.#outputs = outputs;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#gone = true;
        resolve({ code, signal });
      });
    });
    this.#send = openChannel(child, {
      message: (raw) => this.#receive(raw),
      garbled: (reason) => this.listener?.garbled(reason),
    });
    child.on("error", (error) => this.listener?.garbled(error.message));
    for (const [i, output] of outputs.entries()) {
      const from = OUTPUT_NAMES[i] ?? "stdout";
      output.on("data", (bytes: Buffer) => this.#read(from, bytes));
      output.on("error", (error) => this.listener?.garbled(error.message));
    }
    const closed = outputs.map((output) => new Promise<void>((resolve) => output.once("close", resolve)));
    this.outputEnded = Promise.all(closed).then(() => undefined);
  }

  static async start({ script, env, workerPid }: RunnerOptions): Promise<RunnerProcess> {
    const tag = newTag();
    const pipes = await openPipes();
    const [stdout, stderr, frames] = pipes.map((pipe) => pipe.writeFd);
    try {
      const command = underTag(tag, [process.execPath, script, ...toArguments({ workerPid, tag })]);
      const child = spawn(command.file, command.args, {
        detached: true,
        env: { ...env, ...CHANNEL_ENV },
        stdio: ["ignore", stdout, stderr, "pipe", frames],
      });
      if (child.pid === undefined) throw await startError(child);
      const runner = new RunnerProcess(
        child,
        { leader: child.pid, tag },
        pipes.map((pipe) => pipe.reader),
      );
      await runner.#ready();
      return runner;
    } catch (error) {
      for (const { reader } of pipes) reader.destroy();
      throw error;
    } finally {
      for (const { writeFd } of pipes) closeSync(writeFd);
    }
  }

  pauseOutput(): void {
    for (const output of this.#outputs) output.pause();
  }

  resumeOutput(): void {
    for (const output of this.#outputs) output.resume();
  }

  destroyOutput(): void {
    for (const output of this.#outputs) output.destroy();
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Whether what it starts is found wherever it goes. */
  get isTagged(): boolean {
    return !existsSync("/proc/self/limits") || hasTag(this.pid, this.#tree.tag);
  }

  send(message: WorkerMessage): void {
    this.#send(message);
  }

  /** Whether it has a stage's code in it already: it begins at once then, and says no word of it. */
  hasModule(module: string | undefined): boolean {
    return this.#modules.has(module);
  }

  addModule(module: string | undefined): void {
    this.#modules.add(module);
  }

  /**
   * Whether processes of the stage are still there besides the runner and those that were made before `since`;
   * undefined where that cannot be told.
   */
  hasLeftovers(since?: number): boolean | undefined {
    const members = membersOf(this.#tree, since);
    return members === undefined ? undefined : members.length > 0;
  }

  /** Bytes of memory that the stage's processes have for themselves; undefined where that cannot be told. */
  memory(withRunner: boolean): number | undefined {
    return memoryOf(this.#tree, withRunner);
  }

  /** Ends the runner and all that belongs to the stage, at once. Resolves with the pids that could not be ended. */
  async kill(): Promise<readonly number[]> {
    const refused = killAll(this.#tree);
    await this.exited;
    // What the runner started in its last moment.
    killAll(this.#tree);
    return refused;
  }

  /** Without waiting: for a worker that ends now. */
  killNow(): void {
    killAll(this.#tree);
  }

  async #ready(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let said = "";
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), START_MS);
    });
    const ready = deferred<"ready">();
    this.listener = {
      message: (message) => message.kind === "ready" && ready.resolve("ready"),
      output: (_from, bytes) => {
        said = (said + String(bytes)).slice(0, 2000);
      },
      garbled: (reason) => {
        said += reason;
      },
    };
    const first = await Promise.race([ready.promise, late, this.exited]);
    clearTimeout(timer);
    this.listener = undefined;
    if (first === "ready") return;
    await this.kill();
    const how = first === "late" ? `was not ready after ${START_MS / 1000} s` : endingText(first);
    throw new Error(`A runner process did not start: it ${how}. ${said}`);
  }

  #read(from: OutputName, bytes: Buffer): void {
    const { listener } = this;
    try {
      listener?.output(from, bytes);
    } catch (error) {
      // Code of the stage may write anything there: what one stage says must not reach the worker's other builds.
      listener?.garbled(error instanceof Error ? error.message : String(error));
    }
  }

  #receive(raw: unknown): void {
    const { listener } = this;
    if (listener === undefined) return;
    const parsed = runnerMessagesSchema.safeParse(raw);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      listener.garbled(issue ? `${issue.path.join(".")}: ${issue.message}` : "a message of no known form");
      return;
    }
    try {
      for (const message of parsed.data) listener.message(message);
    } catch (error) {
      // What one message does must not reach the worker's other builds.
      listener.garbled(error instanceof Error ? error.message : String(error));
    }
  }
}

function startError(child: ChildProcess): Promise<Error> {
  return new Promise((resolve) => {
    child.once("error", (error) =>
      resolve(new Error(`A runner process did not start: ${error.message}`, { cause: error })),
    );
  });
}

const run = promisify(execFile);

interface Pipe {
  /** For the child; closed here once the child has it. */
  readonly writeFd: number;
  /** Ends when every process that has the other end is gone. */
  readonly reader: Socket;
}

/**
 * A real pipe for each output, which Node itself makes none of: its own are sockets, and a script that writes to
 * /dev/stderr fails on those.
 */
async function openPipes(): Promise<readonly Pipe[]> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-"));
  const pipes: Pipe[] = [];
  try {
    const paths = OUTPUT_NAMES.map((name) => join(folder, name));
    await run("mkfifo", ["-m", "600", ...paths]);
    for (const path of paths) {
      const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const writeFd = openWriter(path, readFd);
      pipes.push({ writeFd, reader: new Socket({ fd: readFd, readable: true, writable: false }) });
    }
    return pipes;
  } catch (error) {
    for (const { reader, writeFd } of pipes) {
      reader.destroy();
      closeSync(writeFd);
    }
    throw error;
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
