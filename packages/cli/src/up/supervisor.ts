import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CliError, EXIT } from "../exit.ts";

export interface SupervisorOptions extends ChildOptions {
  /** What it is called, in sentences. */
  readonly name: string;
  /** Called when it is started again, with the reason. */
  readonly onRestart: (text: string) => void;
  /** Before the first restart; it doubles with each death in a row. Milliseconds. */
  readonly firstPauseMs?: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** A process that lived longer than this is not said to die again and again. */
const RAPID_MS = 30_000;
const RAPID_DEATHS = 5;

/** Keeps a program running: started again when it dies, given up loudly when it dies again and again. */
export class Supervisor {
  /** Rejects with a CliError when the program is given up; stays pending otherwise. */
  readonly lost: Promise<never>;
  readonly #options: SupervisorOptions;
  #child: Child | undefined;
  #stopping = false;
  #env: Readonly<Record<string, string | undefined>>;
  #wake: (() => void) | undefined;
  #giveUp: (error: CliError) => void = () => undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#env = options.env;
    this.lost = new Promise((_resolve, reject) => {
      this.#giveUp = reject;
    });
    // The caller may never wait for it.
    this.lost.catch(() => undefined);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Its process now; undefined between two. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it is ready. Errors: a CliError with its last words and exit code when it ends before. */
  async start(): Promise<Ready> {
    const child = this.#spawn();
    const first = await Promise.race([child.ready, child.ended.then((ended) => ({ ended }))]);
    if ("ended" in first) throw startError(this.name, first.ended);
    // After a restart it must be found where it was.
    if (first.url !== undefined) this.#env = { ...this.#env, STAGEFOLD_PORT: new URL(first.url).port };
    void this.#supervise(child, Date.now());
    return first;
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#child?.stop();
  }

  /** Ends it at once. */
  kill(): void {
    this.#stopping = true;
    this.#wake?.();
    this.#child?.kill();
  }

  #spawn(): Child {
    this.#child = new Child({ ...this.#options, env: this.#env });
    return this.#child;
  }

  async #supervise(firstChild: Child, startedMs: number): Promise<void> {
    let child = firstChild;
    let started = startedMs;
    const first = this.#options.firstPauseMs ?? FIRST_PAUSE_MS;
    for (let deaths = 1; ; deaths++) {
      const ended = await child.ended;
      if (this.#stopping) return;
      if (Date.now() - started > RAPID_MS) deaths = 1;
      if (deaths > RAPID_DEATHS) return this.#giveUp(lostError(this.name, ended, deaths));
      this.#options.onRestart(`the ${this.name} ${howItEnded(ended)}; starting it again`);
      await this.#pause(Math.min(LONGEST_PAUSE_MS, first * 2 ** (deaths - 1)));
      if (this.#stopping) return;
      started = Date.now();
      child = this.#spawn();
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function howItEnded({ code, signal, said }: Ended): string {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  return said === undefined ? how : `${how} (${said})`;
}

function startError(name: string, ended: Ended): CliError {
  const code = ended.code === EXIT.usage ? EXIT.usage : EXIT.failed;
  return new CliError(ended.said ?? `the ${name} ${howItEnded(ended)} before it was ready`, code);
}

function lostError(name: string, ended: Ended, deaths: number): CliError {
  return new CliError(
    `the ${name} died ${deaths} times in a row and is not started any more: the last time it ${howItEnded(ended)}`,
    EXIT.failed,
  );
}

interface ChildOptions {
  /** Address of the program, `file:…`. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with every line that it says. */
  readonly onLine: (line: string) => void;
}

/** How a process ended: its exit code, or the signal that ended it. */
interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said last, in plain words. */
  readonly said: string | undefined;
}

const LAST_WORDS_MS = 500;
/** What a program that is not ready gets to end by itself. */
const UNREADY_MS = 5000;

/** One run of a program as a process of its own. It ends by itself when this process does: it then loses its channel. */
class Child {
  readonly ended: Promise<Ended>;
  /** Resolves with what it said of itself when it was ready to work; stays pending when it ends before. */
  readonly ready: Promise<Ready>;
  readonly #process: ChildProcess;
  #isReady = false;

  constructor({ program, args = [], env, onLine }: ChildOptions) {
    // A process group of its own: Ctrl-C in the terminal reaches this process alone, which then ends all in order.
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
    // One that is not ready serves no one, and what it waits for may never come.
    const timer = this.#isReady ? undefined : setTimeout(() => this.kill(), UNREADY_MS);
    await this.ended;
    clearTimeout(timer);
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

/** What a program says of itself when it is ready. */
export interface Ready {
  readonly url?: string;
  /** For the person who started it, this once. */
  readonly note?: string;
}

function isReady(message: unknown): message is Ready {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "ready";
}
