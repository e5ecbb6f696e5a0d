import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { type HostOptions, HostProcess } from "./host-process.ts";

/**
 * How long a stage waits for the host of another one before a new host is started, in milliseconds. Starting one takes
 * longer than that on a processor of its own, and many stages end sooner.
 */
const PATIENCE_MS = 100;

/** Keeps stage hosts that ended a stage cleanly for the next one; never more of them than stages may run at once. */
export class HostPool {
  readonly #options: HostOptions;
  readonly #size: number;
  readonly #log: Logger;
  readonly #idle: HostProcess[] = [];
  readonly #all = new Set<HostProcess>();
  readonly #waiting: { resolve: (host: HostProcess) => void; reject: (error: unknown) => void }[] = [];
  readonly #starts = new Set<Promise<void>>();
  #starting = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: HostOptions, size: number, log: Logger) {
    this.#options = options;
    this.#size = size;
    this.#log = log;
  }

  /** Sees to it that a host waits, without anyone waiting for it. */
  prepare(): void {
    if (!this.#closed && this.#idle.length === 0 && this.#starting === 0) this.#startOne();
  }

  /** An idle host, the next one that becomes idle, or a new one, whichever is first. */
  async acquire(): Promise<HostProcess> {
    if (this.#closed) throw stopping();
    const waiting = this.#take();
    if (waiting) return waiting;
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#timer ??= setTimeout(() => this.#startForWaiting(), PATIENCE_MS);
    });
  }

  /** Back for the next stage. */
  release(host: HostProcess): void {
    if (host.gone) return;
    const next = this.#waiting.shift();
    if (next) {
      next.resolve(host);
      return;
    }
    if (this.#closed || this.#idle.length >= this.#size) {
      host.killNow();
      return;
    }
    host.listener = {
      message: () => undefined,
      output: (bytes) => this.#log.info({ output: String(bytes).slice(0, 2000) }, "output between stages"),
      garbled: (reason) => this.#log.error({ reason }, "an idle stage host said something unknown"),
    };
    this.#idle.push(host);
  }

  /** Ends every host and what it runs. */
  async close(): Promise<void> {
    this.#giveUp();
    await Promise.all([...this.#all].map((host) => host.kill()));
    await Promise.all(this.#starts);
  }

  /** Ends every host without waiting: for a process that ends now. */
  killNow(): void {
    this.#giveUp();
    for (const host of this.#all) host.killNow();
  }

  #giveUp(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(stopping());
  }

  #take(): HostProcess | undefined {
    for (let host = this.#idle.pop(); host; host = this.#idle.pop()) if (!host.gone) return host;
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
      .then((host) => this.release(host))
      .catch((error: unknown) => {
        if (!this.#closed) this.#log.error({ err: error }, "a stage host did not start");
        this.#waiting.shift()?.reject(error);
      })
      .finally(() => {
        this.#starting -= 1;
        this.#starts.delete(start);
        this.#startForWaiting();
      });
    this.#starts.add(start);
  }

  async #start(): Promise<HostProcess> {
    const host = await HostProcess.start(this.#options);
    this.#all.add(host);
    void host.exited.then(() => this.#all.delete(host));
    if (this.#closed) {
      await host.kill();
      throw stopping();
    }
    return host;
  }
}

function stopping(): Error {
  return new Error("The worker is stopping: no stage can start.");
}
