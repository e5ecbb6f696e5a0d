import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
/** The built program, as it is deployed; tests by themselves load the sources. */
const MAIN = require.resolve("@stagefold/worker/main").replace(/src\/main\.ts$/, "dist/main.js");
const KEPT_LINES = 60;
/** How long a supervisor waits before it starts a worker again that ended by itself, in milliseconds. */
const AGAIN_MS = 300;

/**
 * A worker in a process of its own, that can be killed, frozen and started again. One that ends by itself, such as for
 * want of a store when it starts, is started again, as a supervisor would.
 */
export class WorkerProcess {
  readonly name: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #said: string[] = [];
  #child: ChildProcess | undefined;
  #frozen = false;
  #wanted = false;
  #again: NodeJS.Timeout | undefined;

  constructor(name: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#env = env;
  }

  /** 0 while there is no process. */
  get pid(): number {
    return this.running ? (this.#child?.pid ?? 0) : 0;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** The last lines of its log. */
  get said(): readonly string[] {
    return this.#said;
  }

  /** Does nothing while it runs: who kills it twice at the same moment starts it again twice. */
  start(): void {
    this.#wanted = true;
    if (this.running) return;
    const { PATH = "", HOME = "" } = process.env;
    const child = fork(MAIN, [], {
      env: { PATH, HOME, ...this.#env },
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child = child;
    child.once("exit", () => {
      if (this.#wanted) this.#again = setTimeout(() => this.start(), AGAIN_MS);
    });
    if (child.stderr)
      createInterface({ input: child.stderr }).on("line", (line) => {
        this.#said.push(line);
        if (this.#said.length > KEPT_LINES) this.#said.shift();
      });
  }

  /** Resolves when it says that it is ready; throws what it said when it ends instead. */
  async ready(): Promise<void> {
    const child = this.#child;
    if (!child) throw new Error(`expected ${this.name} to be started`);
    const first = await Promise.race([once(child, "message"), once(child, "exit")]);
    if (!this.running)
      throw new Error(`${this.name} ended with ${first.join(" ")}:\n${this.said.join("\n")}`);
  }

  /** Ends it as the kernel does when memory runs out. Resolves when it has ended. */
  async kill(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child || !this.running) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    this.#frozen = false;
  }

  freeze(): void {
    this.#frozen = this.#child?.kill("SIGSTOP") ?? false;
  }

  thaw(): void {
    if (this.#frozen) this.#child?.kill("SIGCONT");
    this.#frozen = false;
  }
}
