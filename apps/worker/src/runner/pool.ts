import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { type RunnerOptions, RunnerProcess } from "./process.ts";

/**
 * How long a stage waits without any runner becoming free before a new one is started, in milliseconds: half of what the
 * last start took, within these bounds. While short stages follow each other quickly, a few runners serve all of them;
 * where processors are busy, one more that starts keeps them from the stages.
 */
const MIN_PATIENCE_MS = 100;
const MAX_PATIENCE_MS = 1000;
/** A stage waits at most so many times as long while runners become free for others. */
const PATIENCES = 10;

interface Waiting {
  readonly user: string;
  /** When another runner is worth its start, by the monotonic clock. */
  dueAt: number;
  readonly dueAtLast: number;
  readonly resolve: (runner: RunnerProcess) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Keeps runner processes that ended a stage cleanly for the next one; never more of them than stages may run at once.
 * Code may leave anything behind in its process, so one in which a user's stage ran serves that user alone.
 */
export class RunnerPool {
  readonly #options: RunnerOptions;
  readonly #size: number;
  readonly #log: Logger;
  /** The one that was used last at the end. */
  readonly #idle: RunnerProcess[] = [];
  readonly #all = new Set<RunnerProcess>();
  readonly #retired = new WeakSet<RunnerProcess>();
  readonly #waiting: Waiting[] = [];
  readonly #starts = new Set<Promise<void>>();
  #starting = 0;
  /** When a runner became free last, by the monotonic clock. */
  #releasedAt = Number.NEGATIVE_INFINITY;
  #patienceMs = MIN_PATIENCE_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #warned = false;

  constructor(options: RunnerOptions, size: number, log: Logger) {
    this.#options = options;
    this.#size = size;
    this.#log = log;
  }

  /** Starts a runner for a stage that comes soon, unless this user has one that waits, or will be free in a moment. */
  prepare(user: string): void {
    const waits = this.#idle.some((runner) => serves(runner, user));
    const freesSoon = this.#hasOne(user) && performance.now() - this.#releasedAt < this.#patienceMs;
    const full = this.#all.size >= this.#size && this.#idle.length === 0;
    if (!this.#closed && !waits && !freesSoon && !full && this.#starting === 0) this.#startOne();
  }

  /** An idle runner, the next one that becomes idle, or a new one, whichever is first. */
  async acquire(user: string): Promise<RunnerProcess> {
    if (this.#closed) throw stopping();
    const idle = this.#take(user);
    if (idle) return idle;
    return await new Promise((resolve, reject) => {
      const now = performance.now();
      const patienceMs = this.#patienceMs;
      const dueAt = this.#hasOne(user) || this.#starting > 0 ? now + patienceMs : now;
      this.#waiting.push({ user, dueAt, dueAtLast: now + PATIENCES * patienceMs, resolve, reject });
      this.#startForWaiting();
    });
  }

  /** Back for the next stage. */
  release(runner: RunnerProcess): void {
    if (runner.gone) return;
    if (this.#retired.has(runner)) {
      this.#all.delete(runner);
      runner.killNow();
      this.#startForWaiting();
      return;
    }
    this.#releasedAt = performance.now();
    const [next, ...others] = this.#waiting.filter(({ user }) => serves(runner, user));
    if (next !== undefined) {
      const dueAt = this.#releasedAt + this.#patienceMs;
      for (const other of others) other.dueAt = Math.min(dueAt, other.dueAtLast);
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      next.resolve(runner);
      return;
    }
    if (this.#closed) {
      runner.killNow();
      return;
    }
    runner.listener = {
      message: () => undefined,
      output: (_from, bytes) =>
        this.#log.info({ output: String(bytes).slice(0, 2000) }, "output between stages"),
      garbled: (reason) => {
        this.#log.error({ reason }, "an idle runner process said something unknown: it is ended");
        runner.killNow();
      },
    };
    this.#idle.push(runner);
    this.#evict(0);
  }

  /** Ends the runners that wait, and the others when their stages end. */
  retire(): void {
    for (const runner of this.#all) this.#retired.add(runner);
    for (const runner of this.#idle.splice(0)) {
      this.#all.delete(runner);
      runner.killNow();
    }
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

  #hasOne(user: string): boolean {
    return [...this.#all].some((runner) => serves(runner, user));
  }

  /** This user's own one first: it has the code already. */
  #take(user: string): RunnerProcess | undefined {
    this.#idle.splice(0, this.#idle.length, ...this.#idle.filter((runner) => !runner.gone));
    let found = this.#idle.findLastIndex((runner) => runner.user === user);
    if (found < 0) found = this.#idle.findLastIndex((runner) => runner.user === undefined);
    return found < 0 ? undefined : this.#idle.splice(found, 1)[0];
  }

  /** Makes room for `more` runners: those that were used the longest ago are ended. */
  #evict(more: number): void {
    while (this.#idle.length > 0 && this.#all.size + more > this.#size) {
      const runner = this.#idle.shift();
      if (runner === undefined) return;
      this.#all.delete(runner);
      runner.killNow();
    }
  }

  /** For each stage that has waited long enough, but no more at once than there are processors to start them. */
  #startForWaiting(): void {
    if (this.#closed || this.#waiting.length === 0) return;
    const now = performance.now();
    const due = this.#waiting.filter(({ dueAt }) => dueAt <= now).length;
    const wanted = Math.min(due, availableParallelism());
    while (this.#starting < wanted) this.#startOne();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#startForWaiting();
    }, MIN_PATIENCE_MS / 2);
  }

  #startOne(): void {
    this.#starting += 1;
    this.#evict(this.#starting);
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
    const from = performance.now();
    const runner = await RunnerProcess.start(this.#options);
    const halfMs = (performance.now() - from) / 2;
    this.#patienceMs = Math.min(MAX_PATIENCE_MS, Math.max(MIN_PATIENCE_MS, halfMs));
    this.#all.add(runner);
    void runner.exited.then(() => this.#all.delete(runner));
    if (this.#closed) {
      await runner.kill();
      throw stopping();
    }
    if (!runner.isTagged && !this.#warned) {
      this.#warned = true;
      this.#log.warn("this system does not take the limit that tags processes: daemons of stages may stay");
    }
    return runner;
  }
}

/** A runner in which no user's code has run serves everyone. */
function serves(runner: RunnerProcess, user: string): boolean {
  return runner.user === undefined || runner.user === user;
}

function stopping(): Error {
  return new Error("The worker is stopping: no stage can start.");
}
