import type { Logger } from "pino";
import { type HostOptions, HostProcess } from "./host-process.ts";

/** Keeps stage hosts that ended a stage cleanly for the next one; never more of them than stages may run at once. */
export class HostPool {
  readonly #options: HostOptions;
  readonly #size: number;
  readonly #log: Logger;
  readonly #idle: HostProcess[] = [];
  readonly #all = new Set<HostProcess>();
  #starting: Promise<void> | undefined;
  #closed = false;

  constructor(options: HostOptions, size: number, log: Logger) {
    this.#options = options;
    this.#size = size;
    this.#log = log;
  }

  /** Sees to it that a host waits, without anyone waiting for it. */
  prepare(): void {
    if (this.#closed || this.#idle.length > 0 || this.#starting) return;
    this.#starting = this.#start()
      .then((host) => this.release(host))
      .catch((error: unknown) => this.#log.error({ err: error }, "a stage host did not start"))
      .finally(() => {
        this.#starting = undefined;
      });
  }

  /** An idle host, or a new one. */
  async acquire(): Promise<HostProcess> {
    const waiting = this.#take();
    if (waiting) return waiting;
    await this.#starting;
    return this.#take() ?? (await this.#start());
  }

  /** Back for the next stage. */
  release(host: HostProcess): void {
    if (host.gone) return;
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
    this.#closed = true;
    await this.#starting;
    await Promise.all([...this.#all].map((host) => host.kill()));
  }

  /** Ends every host without waiting: for a process that ends now. */
  killNow(): void {
    this.#closed = true;
    for (const host of this.#all) host.killNow();
  }

  #take(): HostProcess | undefined {
    for (let host = this.#idle.pop(); host; host = this.#idle.pop()) if (!host.gone) return host;
    return undefined;
  }

  async #start(): Promise<HostProcess> {
    const host = await HostProcess.start(this.#options);
    this.#all.add(host);
    void host.exited.then(() => this.#all.delete(host));
    if (this.#closed) {
      await host.kill();
      throw new Error("The worker is stopping: no stage can start.");
    }
    return host;
  }
}
