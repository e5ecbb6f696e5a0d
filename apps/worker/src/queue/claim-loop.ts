import { type Claimed, DEFAULT_POOL, type DueWork, workQueues } from "@stagefold/core";
import { jittered, sleep } from "../async.ts";
import type { BuildDeps } from "../deps.ts";
import { type ClockReading, readClock } from "../monotonic-clock.ts";
import { ClaimBackoff } from "./claim-backoff.ts";
import {
  FairScheduler,
  type HeldBuild,
  hasPipeline,
  isLimited,
  type Limits,
  RunningBuilds,
  shuffleFront,
  withinLimits,
} from "./fair-scheduler.ts";
import { QueueScanner } from "./queue-scanner.ts";
import { isDead } from "./worker-identity.ts";

/** Of one queue, of what other workers hold. */
const HELD_ROWS = 10_000;
/** Claims of one look that others were quicker with. */
const MAX_REFUSED_CLAIMS = 20;
const ERROR_LAST_MS = 5000;

export interface ClaimLoopOptions {
  readonly deps: Pick<BuildDeps, "repository" | "pipelines" | "metrics" | "timings" | "log">;
  readonly owner: string;
  readonly concurrency: number;
  readonly maxRunningPerUser: number | undefined;
  readonly held: () => readonly HeldBuild[];
  readonly onClaim: (claimed: Claimed & { readonly sentAt: ClockReading }) => void;
}

/**
 * Looks for due work and claims it while there are free slots: priority 1 first, within a priority users in turns.
 * Waits longer the longer there is none.
 */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #limits: Limits;
  /** One for each priority, the first one first. */
  readonly #views: readonly QueueScanner[];
  readonly #turns = new FairScheduler();
  readonly #refused = new ClaimBackoff();
  /** Projects that the work index had lost. */
  readonly #rescues = new Set<string>();
  #wake = new AbortController();
  /** Whether a slot becoming free is all that has happened since the last look. */
  #onlyFreed = false;
  #stopped = false;
  #failures = 0;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
    const { pipelines, repository } = options.deps;
    this.#limits = { pipelines, maxRunningPerUser: options.maxRunningPerUser };
    const { work } = repository;
    this.#views = [1, 2, 3, 4, 5].map(
      (priority) =>
        new QueueScanner(workQueues(DEFAULT_POOL, priority), (queue, limit, after) =>
          work.dueIn(queue, limit, after),
        ),
    );
  }

  /** Runs until stopped. Never rejects: what fails is logged and tried again. */
  async run(): Promise<void> {
    const { idleFirstMs, idleLastMs } = this.#options.deps.timings;
    let waitMs = idleFirstMs;
    let inherited = false;
    while (!this.#stopped) {
      if (!inherited) inherited = await this.#inherit();
      const claimed = await this.#tryScan();
      if (claimed > 0) waitMs = idleFirstMs;
      const woken = await this.#wait(this.#failures > 0 ? this.#errorWait() : jittered(waitMs));
      waitMs = woken ? idleFirstMs : Math.min(idleLastMs, waitMs * 2);
    }
  }

  /** There may be new work: look now. */
  wake(): void {
    this.#onlyFreed = false;
    this.#wake.abort();
  }

  /** There is a free slot: for that, what the last look showed will do. */
  freed(): void {
    if (!this.#wake.signal.aborted) this.#onlyFreed = true;
    this.#wake.abort();
  }

  /** Due work that the index has lost; it is claimed like any other when its turn comes. */
  rescue(rows: readonly DueWork[]): void {
    for (const row of rows) {
      this.#rescues.add(row.project_id);
      // No look shows it again: it is kept until the sweep after the next one.
      this.#views[priorityOf(row) - 1]?.offer(row, 2 * this.#options.deps.timings.reconcileMs);
    }
    if (rows.length > 0) this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake.abort();
  }

  async #tryScan(): Promise<number> {
    try {
      const claimed = await this.#scan();
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

  /**
   * Takes the builds of workers that died on this machine: their leases need not run out. False when that is not done
   * yet, for want of slots or of a store that answers.
   */
  async #inherit(): Promise<boolean> {
    const { deps, held } = this.#options;
    if (this.#isFull()) return false;
    try {
      const rows = await deps.repository.work.held(DEFAULT_POOL, HELD_ROWS);
      const gone = (row: DueWork) => row.lease?.owner !== undefined && isDead(row.lease.owner);
      const dead = rows.filter((row) => hasPipeline(row, deps.pipelines) && gone(row));
      const alive = new RunningBuilds(
        held,
        rows.filter((row) => !dead.includes(row)),
      );
      for (const row of dead) {
        if (this.#stopped || this.#isFull()) return false;
        const from = row.lease?.owner;
        if (from === undefined || !withinLimits(row, this.#limits, alive)) continue;
        await this.#claim(row, from);
      }
      return true;
    } catch (error) {
      const level = this.#failures === 0 ? "warn" : "debug";
      deps.log[level]({ err: error }, "looking for builds of dead workers failed; it is tried again");
      return false;
    }
  }

  /** How many builds were claimed. */
  async #scan(): Promise<number> {
    let claimed = 0;
    let running: RunningBuilds | undefined;
    const fresh = !this.#onlyFreed;
    this.#onlyFreed = false;
    for (const view of this.#views) {
      if (this.#stopped || this.#isFull()) break;
      const rows = await view.rows((row) => this.#isClaimable(row), fresh);
      if (rows.length === 0) continue;
      running = await this.#running(rows, running);
      claimed += await this.#takeFrom(view, rows, running);
    }
    return claimed;
  }

  /** What others run is asked for once in a look, and only when a limit makes it matter. */
  async #running(rows: readonly DueWork[], known: RunningBuilds | undefined): Promise<RunningBuilds> {
    const { deps, held } = this.#options;
    if (known?.knowsOthers) return known;
    if (!rows.some((row) => isLimited(row, this.#limits))) return known ?? new RunningBuilds(held);
    return new RunningBuilds(held, await deps.repository.work.held(DEFAULT_POOL, HELD_ROWS));
  }

  async #takeFrom(view: QueueScanner, rows: readonly DueWork[], running: RunningBuilds): Promise<number> {
    let left = shuffleFront(rows);
    let claimed = 0;
    for (let refused = 0; refused < MAX_REFUSED_CLAIMS && !this.#stopped && !this.#isFull(); ) {
      left = left.filter((row) => withinLimits(row, this.#limits, running));
      const next = this.#turns.next(left, running);
      if (!next) break;
      left = left.filter((row) => row !== next);
      view.forget(next);
      if (await this.#claim(next)) claimed += 1;
      else refused += 1;
    }
    return claimed;
  }

  #isClaimable(row: DueWork): boolean {
    const { deps, held } = this.#options;
    if (!hasPipeline(row, deps.pipelines) || this.#refused.has(row)) return false;
    return held().every((one) => one.projectId !== row.project_id);
  }

  #isFull(): boolean {
    const { held, concurrency } = this.#options;
    return held().length >= concurrency;
  }

  async #claim(row: DueWork, from?: string): Promise<boolean> {
    const { deps, owner, onClaim } = this.#options;
    const sentAt = readClock();
    const claimed = await deps.repository.work.claim(row.project_id, owner, row.work_queue, from);
    const rescued = this.#rescues.delete(row.project_id);
    if (!claimed) {
      this.#refused.add(row);
      return false;
    }
    this.#turns.served(row);
    if (rescued) deps.metrics.rescues.inc();
    if (row.lease?.owner !== undefined) this.#tookOver(row, claimed, from);
    onClaim({ ...claimed, sentAt });
    return true;
  }

  #tookOver(row: DueWork, { lease_token: token }: Claimed, from: string | undefined): void {
    const { metrics, log } = this.#options.deps;
    const why = from === undefined ? "lease_expired" : "owner_dead";
    metrics.takeovers.inc({ why });
    log.info({ project: row.project_id, token, from: row.lease?.owner, why }, "build taken over");
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

/** `agent_builds#p3#01` is of priority 3. */
function priorityOf(row: DueWork): number {
  return Number(/#p(\d)#/.exec(row.work_queue)?.[1]);
}
