import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface ChildOptions {
  /** Address of the program, `file:…`. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with every line that it says. */
  readonly onLine: (line: string) => void;
}

/** How a process ended: its exit code, or the signal that ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said last, in plain words. */
  readonly said: string | undefined;
}

const LAST_WORDS_MS = 500;

/** One run of a program as a process of its own. It ends by itself when this process does: it then loses its channel. */
export class Child {
  readonly ended: Promise<Ended>;
  /** Resolves with what it said of itself when it was ready to work; stays pending when it ends before. */
  readonly ready: Promise<{ readonly url?: string }>;
  readonly #process: ChildProcess;
  #isReady = false;

  constructor({ program, args = [], env, onLine }: ChildOptions) {
    // A process group of its own: Ctrl-C in the terminal is for us, who then end everything in order.
    this.#process = spawn(process.execPath, [fileURLToPath(program), ...args], {
      env: { ...env },
      detached: process.platform !== "win32",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const said = this.#listen(onLine);
    this.ready = new Promise((resolve) => {
      this.#process.on("message", (message: unknown) => {
        if (!isReady(message)) return;
        this.#isReady = true;
        resolve(message);
      });
    });
    this.ended = new Promise((resolve) => {
      this.#process.once("error", (error) => resolve({ code: 1, signal: null, said: error.message }));
      const end = (code: number | null, signal: NodeJS.Signals | null) =>
        resolve({ code, signal, said: said.last });
      // "close" comes after its last words; not at all while something that it started has kept its output open.
      this.#process.once("close", end);
      this.#process.once("exit", (code, signal) => setTimeout(() => end(code, signal), LAST_WORDS_MS));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Asks it to end what it is doing and go. */
  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.ended;
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** Before it is ready, a plain sentence is why it cannot start: kept, to be said with its end. */
  #listen(onLine: (line: string) => void): { last: string | undefined } {
    const said: { last: string | undefined } = { last: undefined };
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) => {
        const plain = /^[^\s{]/.test(line);
        if (plain) said.last = line;
        if (this.#isReady || line.startsWith("{")) onLine(line);
      });
    }
    return said;
  }
}

function isReady(message: unknown): message is { readonly url?: string } {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "ready";
}
