import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { type RunnerOptions, RunnerProcess } from "./process.ts";

/**
 * How long a stage waits for the runner of another one before a new runner is started, in milliseconds. Starting one takes
 * longer than that on a processor of its own, and many stages end sooner.
 */
const PATIENCE_MS = 100;

/** Keeps runner processes that ended a stage cleanly for the next one; never more of them than stages may run at once. */
export class RunnerPool {
  readonly #options: RunnerOptions;
  readonly #size: number;
  readonly #log: Logger;
  readonly #idle: RunnerProcess[] = [];
  readonly #all = new Set<RunnerProcess>();
  readonly #waiting: { resolve: (runner: RunnerProcess) => void; reject: (error: unknown) => void }[] = [];
  readonly #starts = new Set<Promise<void>>();
  #starting = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: RunnerOptions, size: number, log: Logger) {
    this.#options = options;
    this.#size = size;
    this.#log = log;
  }

  /** Sees to it that a runner waits, without anyone waiting for it. */
  prepare(): void {
    if (!this.#closed && this.#idle.length === 0 && this.#starting === 0) this.#startOne();
  }

  /** An idle runner, the next one that becomes idle, or a new one, whichever is first. */
  async acquire(): Promise<RunnerProcess> {
    if (this.#closed) throw stopping();
    const waiting = this.#take();
    if (waiting) return waiting;
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#timer ??= setTimeout(() => this.#startForWaiting(), PATIENCE_MS);
    });
  }

  /** Back for the next stage. */
  release(runner: RunnerProcess): void {
    if (runner.gone) return;
    const next = this.#waiting.shift();
    if (next) {
      next.resolve(runner);
      return;
    }
    if (this.#closed || this.#idle.length >= this.#size) {
      runner.killNow();
      return;
    }
    runner.listener = {
      message: () => undefined,
      output: (bytes) => this.#log.info({ output: String(bytes).slice(0, 2000) }, "output between stages"),
      garbled: (reason) => this.#log.error({ reason }, "an idle runner process said something unknown"),
    };
    this.#idle.push(runner);
  }

  /** Ends every runner and what it runs. */
  async close(): Promise<void> {
    this.#giveUp();
    await Promise.all([...this.#all].map((runner) => runner.kill()));
    await Promise.all(this.#starts);
  }

  /** Ends every runner without waiting: for a process that ends now. */
  killNow(): void {
    this.#giveUp();
    for (const runner of this.#all) runner.killNow();
  }

  #giveUp(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(stopping());
  }

  #take(): RunnerProcess | undefined {
    for (let runner = this.#idle.pop(); runner; runner = this.#idle.pop()) if (!runner.gone) return runner;
    return undefined;
  }

  /** As many as are still waited for, but no more at once than there are processors to start them. */
  #startForWaiting(): void {
    this.#timer = undefined;
    const wanted = Math.min(this.#waiting.length, availableParallelism());
    while (!this.#closed && this.#starting < wanted) this.#startOne();
  }

  #startOne(): void {
    this.#starting += 1;
    const start = this.#start()
      .then((runner) => this.release(runner))
      .catch((error: unknown) => {
        if (!this.#closed) this.#log.error({ err: error }, "a runner process did not start");
        this.#waiting.shift()?.reject(error);
      })
      .finally(() => {
        this.#starting -= 1;
        this.#starts.delete(start);
        this.#startForWaiting();
      });
    this.#starts.add(start);
  }

  async #start(): Promise<RunnerProcess> {
    const runner = await RunnerProcess.start(this.#options);
    this.#all.add(runner);
    void runner.exited.then(() => this.#all.delete(runner));
    if (this.#closed) {
      await runner.kill();
      throw stopping();
    }
    return runner;
  }
}

function stopping(): Error {
  return new Error("The worker is stopping: no stage can start.");
}
