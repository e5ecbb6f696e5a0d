import { type Claimed, DEFAULT_POOL, type DueWork } from "@stagefold/core";
import { jittered, sleep } from "../async.ts";
import type { BuildDeps } from "../deps.ts";
import { type CandidateRules, candidates, type Held, withinLimits } from "./candidates.ts";
import { isGone } from "./machine.ts";
import { type Moment, thisMoment } from "./renewal.ts";

/** Rows of one look. More are asked for when all of them belong to other workers. */
const ROWS = 50;
const ROWS_AT_MOST = 1000;
const ERROR_LAST_MS = 5000;

export interface ClaimLoopOptions {
  readonly deps: BuildDeps;
  readonly owner: string;
  readonly concurrency: number;
  readonly maxRunningPerUser: number | undefined;
  readonly held: () => readonly Held[];
  readonly onClaim: (claimed: Claimed & { readonly sentAt: Moment }) => void;
}

/** Looks for due work and claims it while there are free slots. Waits longer the longer there is none. */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  #wake = new AbortController();
  #stopped = false;
  #rows = ROWS;
  #failures = 0;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  /** Runs until stopped. Never rejects: what fails is logged and tried again. */
  async run(): Promise<void> {
    const { idleFirstMs, idleLastMs } = this.#options.deps.timings;
    let waitMs = idleFirstMs;
    await this.#inherit();
    while (!this.#stopped) {
      const claimed = await this.#lookSafely();
      if (claimed > 0) waitMs = idleFirstMs;
      const woken = await this.#wait(this.#failures > 0 ? this.#errorWait() : jittered(waitMs));
      waitMs = woken ? idleFirstMs : Math.min(idleLastMs, waitMs * 2);
    }
  }

  /** There may be work or a free slot: look now. */
  wake(): void {
    this.#wake.abort();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake.abort();
  }

  async #lookSafely(): Promise<number> {
    try {
      const claimed = await this.#look();
      if (this.#failures > 0) this.#options.deps.log.info("the store answers again");
      this.#failures = 0;
      return claimed;
    } catch (error) {
      const { log } = this.#options.deps;
      if (this.#failures === 0) log.error({ err: error }, "looking for work failed; it goes on");
      else log.debug({ err: error, failures: this.#failures }, "looking for work failed again");
      this.#failures += 1;
      return 0;
    }
  }

  /** Takes the builds of workers that died on this machine: their leases need not run out. */
  async #inherit(): Promise<void> {
    const { deps, concurrency, held } = this.#options;
    try {
      for (const row of await deps.repository.work.held(DEFAULT_POOL, ROWS_AT_MOST)) {
        if (this.#stopped || held().length >= concurrency) return;
        const from = row.lease?.owner;
        if (from === undefined || candidates([row], this.#rules()).length === 0) continue;
        if (withinLimits(row, this.#rules()) && isGone(from) && (await this.#claim(row, from)))
          deps.log.info({ project: row.project_id, from }, "took over from a worker that is gone");
      }
    } catch (error) {
      deps.log.warn({ err: error }, "looking for builds of dead workers failed; their leases will run out");
    }
  }

  /** How many builds were claimed. */
  async #look(): Promise<number> {
    const { deps, concurrency, held } = this.#options;
    if (held().length >= concurrency) return 0;
    const rows = await deps.repository.work.due(DEFAULT_POOL, this.#rows);
    const found = candidates(rows, this.#rules());
    this.#rows =
      found.length === 0 && rows.length >= this.#rows ? Math.min(ROWS_AT_MOST, this.#rows * 2) : ROWS;
    let claimed = 0;
    for (const row of found) {
      if (this.#stopped || held().length >= concurrency) break;
      if (withinLimits(row, this.#rules()) && (await this.#claim(row))) claimed += 1;
    }
    return claimed;
  }

  async #claim(row: DueWork, from?: string): Promise<boolean> {
    const { deps, owner, onClaim } = this.#options;
    const sentAt = thisMoment();
    const claimed = await deps.repository.work.claim(row.project_id, owner, row.work_queue, from);
    if (!claimed) return false;
    deps.metrics.claims.inc();
    onClaim({ ...claimed, sentAt });
    return true;
  }

  #rules(): CandidateRules {
    const { deps, held, maxRunningPerUser } = this.#options;
    return { pipelines: deps.pipelines, held: held(), maxRunningPerUser };
  }

  #errorWait(): number {
    const { idleFirstMs } = this.#options.deps.timings;
    return jittered(Math.min(ERROR_LAST_MS, idleFirstMs * 2 ** Math.min(this.#failures, 16)));
  }

  /** True when something happened before the time was over. */
  async #wait(ms: number): Promise<boolean> {
    await sleep(ms, this.#wake.signal);
    const woken = this.#wake.signal.aborted;
    if (woken) this.#wake = new AbortController();
    return woken;
  }
}
