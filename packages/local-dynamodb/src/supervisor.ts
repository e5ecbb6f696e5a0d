import { setTimeout as sleep } from "node:timers/promises";
import type { EngineProcess } from "./engine-process.ts";
import { reasonOf } from "./errors.ts";
import type { Log } from "./events.ts";
import { isDiskFull } from "./full-disk.ts";
import type { RestartPolicy } from "./options.ts";

export const RESTART_POLICY: RestartPolicy = {
  maxRapidFailures: 8,
  rapidMs: 1_000,
  firstDelayMs: 50,
  maxDelayMs: 2_000,
};

export interface SupervisorParts {
  /** Starts the engine again, on the same port; resolves when it answers. */
  launch(signal: AbortSignal): Promise<EngineProcess>;
  policy: RestartPolicy;
  log: Log;
  onRestart(running: EngineProcess, restarts: number): Promise<void>;
  onGivenUp(reason: string, failures: number): void;
}

/** The longest pause between two tries while the disk is full, in milliseconds. */
const FULL_DISK_MS = 10_000;

/**
 * Keeps the engine running: a dead one is started again, after a pause that doubles while it keeps dying. After
 * `maxRapidFailures` in a row it is given up, loudly. A full disk is no fault of the engine: somebody will make room,
 * and until then it is tried again and again, which is said once.
 */
export class Supervisor {
  #running: EngineProcess;
  #rapidFailures = 0;
  /** Tries in a row that failed because the disk is full. */
  #fullDisk = 0;
  #restarts = 0;
  readonly #parts: SupervisorParts;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;

  constructor(first: EngineProcess, parts: SupervisorParts) {
    this.#running = first;
    this.#parts = parts;
    this.#loop = this.#run();
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** Ends the engine for good; resolves when it has ended and nothing will start it again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running.stop();
    await this.#loop;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    for (;;) {
      const reason = await this.#untilDead();
      if (this.#stopped) return;
      if (!(await this.#revive(reason))) return;
    }
  }

  async #untilDead(): Promise<string> {
    const running = this.#running;
    const since = performance.now();
    const { exitCode, signal } = await running.exited;
    if (this.#stopped) return "stopped";
    this.#parts.log({ event: "engine_exited", pid: running.pid, exit_code: exitCode, signal });
    const rapid = performance.now() - since < this.#parts.policy.rapidMs;
    // One that the full disk ended is in the hands of whoever makes room, however often it does.
    const counts = rapid && !isDiskFull(running.lastLines());
    this.#rapidFailures = counts ? this.#rapidFailures + 1 : 1;
    return `it ended with ${signal ?? `exit code ${exitCode}`}: ${running.lastLines() || "it said nothing"}`;
  }

  /** True when the engine answers again; false when it is stopped or given up. */
  async #revive(whyDead: string): Promise<boolean> {
    let reason = whyDead;
    for (;;) {
      if (this.#rapidFailures >= this.#parts.policy.maxRapidFailures) {
        this.#parts.log({ event: "engine_failed", reason });
        this.#parts.onGivenUp(reason, this.#rapidFailures);
        return false;
      }
      await this.#pause();
      if (this.#stopped) return false;
      const outcome = await this.#relaunch();
      if (outcome === "running") return true;
      if (this.#stopped) return false;
      reason = outcome.reason;
      this.#failed(outcome);
    }
  }

  #failed({ reason, full }: { reason: string; full: boolean }): void {
    if (!full) {
      this.#fullDisk = 0;
      this.#rapidFailures += 1;
      this.#parts.log({ event: "engine_start_failed", reason });
      return;
    }
    if (this.#fullDisk === 0) this.#parts.log({ event: "engine_waits_for_disk", reason });
    this.#fullDisk += 1;
  }

  async #relaunch(): Promise<"running" | { reason: string; full: boolean }> {
    try {
      const running = await this.#parts.launch(this.#stopping.signal);
      this.#running = running;
      if (this.#stopped) {
        await running.stop();
        return { reason: "stopped", full: false };
      }
      this.#fullDisk = 0;
      this.#restarts += 1;
      await this.#parts.onRestart(running, this.#restarts);
      return "running";
    } catch (error) {
      return { reason: reasonOf(error), full: isDiskFull(error) };
    }
  }

  async #pause(): Promise<void> {
    const { firstDelayMs, maxDelayMs } = this.#parts.policy;
    const longest = this.#fullDisk > 0 ? Math.max(FULL_DISK_MS, maxDelayMs) : maxDelayMs;
    const failures = this.#rapidFailures + this.#fullDisk;
    const delayMs = Math.min(longest, firstDelayMs * 2 ** (failures - 1));
    if (this.#fullDisk === 0)
      this.#parts.log({ event: "engine_restarting", rapid_failures: this.#rapidFailures, delay_ms: delayMs });
    try {
      await sleep(delayMs, undefined, { signal: this.#stopping.signal });
    } catch (error) {
      // Waking up because of stop() is the purpose of the signal.
      if (!this.#stopped) throw error;
    }
  }
}
