import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { setImmediate as nextTurnOfLoop } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { depthOf, LIMITS } from "@stagefold/core";
import {
  endingText,
  killAll,
  newTag,
  type ProcessExit,
  type ProcessTree,
  permissionFlags,
  signalMembers,
} from "@stagefold/node-files";
import { type ChildMessage, childMessageSchema, MAX_LINE, type Order } from "./protocol.ts";

export interface AgentProcessOptions {
  /** The module that is run, absolute, below `agentFolder`. */
  readonly entry: string;
  /** The agent's own files: all that it may read besides its folder of the turn. Both are real paths. */
  readonly agentFolder: string;
  /** Where it runs: it may read and write there. */
  readonly turnFolder: string;
  /** All that it finds in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface AgentProcessListener {
  readonly message: (message: ChildMessage) => void;
  /** Once, at the end: why it is of no more use, as the end of a sentence that begins with the process. */
  readonly ended: (how: string) => void;
}

const GUARD = new URL("../child/guard.mjs", import.meta.url);
/** Of what JavaScript holds. */
const MEMORY_MB = 512;
/** Of one file that it writes, in blocks of 512 bytes: 100 MB. */
const MAX_FILE_BLOCKS = 204_800;
/** Characters of standard error that are kept for the operator's log. */
const MAX_ERROR_TEXT = 4000;
/** Characters and lines that are read for one order, noise among them: far more than the longest answer has. */
const MAX_SAID = 128 * 1024 * 1024;
const MAX_LINES = 300_000;
/** Lines that are read before everything else of this process has its turn. */
const SLICE_LINES = 500;
/** Levels of nesting of a message: that of a tool's input, which the store must take, and the message itself. */
const MAX_DEPTH = LIMITS.outputDepth + 1;
/** How long the shell may take to see that what it started has ended. */
const COLLECT_MS = 500;

/**
 * The shell leads the group. It runs Node under the tag, with an end of the lifeline in hand: when the process that
 * started it is gone, killed or not, the lifeline ends and the group is killed, even when the agent never yields.
 */
const SCRIPT = `ulimit -m "$0" 2>/dev/null; ulimit -f ${MAX_FILE_BLOCKS} 2>/dev/null; ulimit -c 0 2>/dev/null
exec 4<&0
"$@" <&4 3<&- 4<&- &
child=$!
exec 0</dev/null 1>&- 4<&-
{ read _ <&3; kill -KILL 0; } 2>/dev/null &
reader=$!
exec 2>/dev/null
wait $child
code=$?
kill -KILL $reader
wait $reader
exit $code`;

/** Code of others sees its own files and the folder of its turn. */
function limits({ agentFolder, turnFolder }: AgentProcessOptions): string[] {
  const read = [`${agentFolder}/*`, `${turnFolder}/*`, fileURLToPath(GUARD)];
  return [
    ...permissionFlags(read, [`${turnFolder}/*`]),
    `--max-old-space-size=${MEMORY_MB}`,
    "--import",
    GUARD.href,
  ];
}

/** The process of one agent's turn, as the runner sees it: in a group and session of its own, under a tag. */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #tree: ProcessTree;
  readonly #listener: AgentProcessListener;
  readonly #exited: Promise<void>;
  /** What was read since the last order. */
  #said = 0;
  #lines = 0;
  #errorText = "";
  #ended = false;

  private constructor(child: ChildProcess, tree: ProcessTree, listener: AgentProcessListener) {
    this.#child = child;
    this.#tree = tree;
    this.#listener = listener;
    const how = new Promise<string>((resolve) => {
      child.once("close", (code, signal) => resolve(endingText(exitOf(code, signal))));
    });
    this.#exited = how.then(ignoreHere);
    // How it ended is said after the last of its lines.
    void Promise.all([how, this.#read(outputOf(child))]).then(([text]) => this.#end(text));
    child.stderr?.on("data", (bytes: Buffer) => {
      this.#errorText = (this.#errorText + String(bytes)).slice(-MAX_ERROR_TEXT);
    });
    // What watches the lifeline is left then, and goes with it.
    child.once("exit", () => lifelineOf(child).destroy());
    // A process that is gone cannot be told anything; that it is gone is said by its end.
    child.stdin?.on("error", ignoreHere);
    lifelineOf(child).on("error", ignoreHere);
  }

  /** Errors: what the system says when no process can be started. */
  static async start(options: AgentProcessOptions, listener: AgentProcessListener): Promise<AgentProcess> {
    const tag = newTag();
    const command = [process.execPath, ...limits(options), options.entry, "--serve"];
    const child = spawn("/bin/sh", ["-c", SCRIPT, String(Number(tag) / 1024), ...command], {
      cwd: options.turnFolder,
      detached: true,
      env: { ...options.env },
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    if (child.pid === undefined)
      throw await new Promise((resolve) => {
        child.once("error", resolve);
      });
    return new AgentProcess(child, { leader: child.pid, tag }, listener);
  }

  /** What it wrote to standard error last, for the operator's log alone. */
  get errorText(): string {
    return this.#errorText;
  }

  send(order: Order): void {
    this.#said = 0;
    this.#lines = 0;
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** Ends it and all that it started, at once. Nothing is said of it any more. */
  async kill(): Promise<void> {
    this.#ended = true;
    // The shell comes last, so that it collects what it started: not every machine's first process does.
    signalMembers(this.#tree, "SIGKILL");
    const timer = setTimeout(() => killAll(this.#tree), COLLECT_MS);
    await this.#exited;
    clearTimeout(timer);
    // What was started in its last moment.
    killAll(this.#tree);
  }

  /** Never throws: whatever an agent says ends its own process at worst. */
  async #read(output: Readable): Promise<void> {
    output.setEncoding("utf8");
    try {
      let rest = "";
      // One chunk at a time: what comes faster than it is read waits in the pipe, and its process with it.
      for await (const chunk of output as AsyncIterable<string>) {
        this.#said += chunk.length;
        if (this.#said > MAX_SAID) this.#end("said more than is taken");
        let from = 0;
        for (let end = chunk.indexOf("\n"); end >= 0 && !this.#ended; end = chunk.indexOf("\n", from)) {
          this.#line(rest + chunk.slice(from, end));
          rest = "";
          from = end + 1;
          if (++this.#lines > MAX_LINES) this.#end("said more lines than are taken");
          else if (this.#lines % SLICE_LINES === 0) await nextTurnOfLoop();
        }
        rest += chunk.slice(from);
        if (rest.length > MAX_LINE) this.#end("said more in one line than is taken");
        if (this.#ended) return;
      }
    } catch {
      this.#end("said something that cannot be read");
    }
  }

  /** A line that is none of the protocol is noise, such as the warning of a library. */
  #line(line: string): void {
    if (!line.startsWith("{")) return;
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      return;
    }
    const parsed = childMessageSchema.safeParse(json);
    if (!parsed.success) return;
    // Deeper ones break those who go through them, and no store takes them.
    if (depthOf(json) > MAX_DEPTH) throw new Error("A message is nested too deep.");
    this.#listener.message(parsed.data);
  }

  #end(how: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.ended(how);
  }
}

function ignoreHere(): void {
  // See where it is given.
}

function outputOf(child: ChildProcess): Readable {
  return child.stdio[1] as Readable;
}

function lifelineOf(child: ChildProcess): Writable {
  return child.stdio[3] as Writable;
}

/** The shell says 128 and the number for a child that a signal ended. */
function exitOf(code: number | null, signal: NodeJS.Signals | null): ProcessExit {
  if (code === 137) return { code: null, signal: "SIGKILL" };
  return { code, signal };
}
