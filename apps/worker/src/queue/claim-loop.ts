// Long because: the loop, its wake-ups and its back-offs are one state machine, read from top to bottom.
import { ClaimBackoff, type Claimed, DEFAULT_POOL, type DueWork, scopeOf, workQueues } from "@stagefold/core";
import { jittered, sleep } from "../async.ts";
import type { BuildDeps } from "../deps.ts";
import { type ClockReading, readClock, SetBackDetector } from "../monotonic-clock.ts";
import {
  FairScheduler,
  type HeldBuild,
  hasPipeline,
  isLimited,
  isSuspect,
  type Limits,
  RunningBuilds,
  shuffleFront,
  withinLimits,
} from "./fair-scheduler.ts";
import { QueueScanner } from "./queue-scanner.ts";
import { isDead } from "./worker-identity.ts";

/** Rows of one queue that are read to learn what other workers hold. */
const HELD_ROWS = 10_000;
/** Claims of one scan that may fail: other workers were quicker, or the items cannot be claimed. */
const MAX_FAILED_CLAIMS = 20;
const ERROR_LAST_MS = 5000;

/** Without a reason of its own, each abort makes an error with a stack. */
const WOKEN = "woken";

export interface ClaimLoopOptions {
  readonly deps: Pick<
    BuildDeps,
    "repository" | "pipelines" | "metrics" | "timings" | "log" | "workerBackoff"
  >;
  readonly owner: string;
  readonly concurrency: number;
  readonly maxRunningPerUser: number | undefined;
  readonly held: () => readonly HeldBuild[];
  readonly onClaim: (claimed: Claimed & { readonly sentAt: ClockReading }) => void;
  /** The clock that decides was set back: work written before may be due too late. */
  readonly onClockSetBack: () => void;
}

/**
 * Scans the queues for due work and claims it while there are free slots: priority 1 first, within a priority users
 * take turns. The wait between scans doubles while there is no work.
 *
 * An error is handled by what it concerns. A row that cannot be claimed is put aside, and what is behind it runs. A
 * store that fails ends the scan, and the next one waits. A worker that cannot run stages claims more slowly.
 *
 * Longer than other files: the order of its decisions is the point, and is read best in one place.
 */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #limits: Limits;
  /** One for each priority, the first one first. */
  readonly #scanners: readonly QueueScanner[];
  readonly #scheduler = new FairScheduler();
  readonly #backoff = new ClaimBackoff();
  /** Projects that the reconciler found: no scan shows them when they are due. */
  readonly #reconciled = new Set<string>();
  /** Due builds of the last scan whose pipeline this worker does not have, by pipeline. Each pipeline is logged once. */
  readonly #unserved = new Map<string, Set<string>>();
  /** Whether dead workers of this machine may have left builds that are not claimed yet. */
  #mayInherit = true;
  readonly #clock: SetBackDetector;
  #wake = new AbortController();
  readonly #stop = new AbortController();
  /** Whether a slot becoming free is all that has happened since the last scan. */
  #onlyFreed = false;
  #storeFailures = 0;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
    const { pipelines, repository } = options.deps;
    this.#limits = { pipelines, maxRunningPerUser: options.maxRunningPerUser };
    const { work, clock } = repository;
    this.#clock = new SetBackDetector(() => clock.now());
    this.#scanners = [1, 2, 3, 4, 5].map(
      (priority) =>
        new QueueScanner(workQueues(DEFAULT_POOL, priority), (queue, limit, after) =>
          work.dueIn(queue, limit, after),
        ),
    );
  }

  /** Runs until stopped. Never rejects: errors are logged, and the loop continues. */
  async run(): Promise<void> {
    const { timings, workerBackoff } = this.#options.deps;
    let waitMs = timings.idleFirstMs;
    while (!this.stopped) {
      // A wake-up does not shorten this wait: there is work enough, but this worker cannot run it.
      if (workerBackoff.waitMs > 0) await sleep(workerBackoff.waitMs, this.#stop.signal);
      const claimed = await this.#tryScan();
      if (claimed > 0) waitMs = timings.idleFirstMs;
      const woken = await this.#wait(this.#storeFailures > 0 ? this.#errorWait() : jittered(waitMs));
      waitMs = woken ? timings.idleFirstMs : Math.min(timings.idleLastMs, waitMs * 2);
    }
  }

  /** There may be new work: scan now. */
  wake(): void {
    this.#onlyFreed = false;
    this.#wake.abort(WOKEN);
  }

  /** A slot is free: the rows of the last scan are good enough to fill it. */
  freed(): void {
    if (!this.#wake.signal.aborted) this.#onlyFreed = true;
    this.#wake.abort(WOKEN);
  }

  /** Due work that no scan shows; it is claimed like any other when its turn comes. */
  offer(rows: readonly DueWork[]): void {
    for (const row of rows) {
      this.#reconciled.add(row.project_id);
      // It is kept until the next but one run of the reconciler.
      this.#scanners[priorityOf(row) - 1]?.offer(row, 2 * this.#options.deps.timings.reconcileMs);
    }
    if (rows.length > 0) this.wake();
  }

  /** A build could not be run here: this worker leaves it to others for a while. */
  putAside(projectId: string): void {
    this.#backoff.addProject(projectId);
  }

  /** A build ran here. */
  clear(projectId: string): void {
    this.#backoff.clearProject(projectId);
  }

  stop(): void {
    this.#stop.abort();
    this.#wake.abort(WOKEN);
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Whether no further build may be claimed now. */
  get #isFull(): boolean {
    const { held, concurrency, deps } = this.#options;
    const builds = held();
    // A build whose workers died twice in a row gets no new neighbours: if its worker dies once more, it is to blame.
    return (
      this.stopped ||
      builds.length >= concurrency ||
      builds.some((build) => build.isSuspect) ||
      deps.workerBackoff.waitMs > 0
    );
  }

  /** How many builds were claimed. */
  async #tryScan(): Promise<number> {
    const { log } = this.#options.deps;
    if (this.#clock.check()) this.#options.onClockSetBack();
    try {
      const claimed = (await this.#inherit()) + (await this.#scan());
      if (this.#storeFailures > 0) log.info("the store answers again");
      this.#storeFailures = 0;
      return claimed;
    } catch (error) {
      if (this.#storeFailures === 0) log.error({ err: error }, "scanning for work failed and is tried again");
      else log.debug({ err: error, failures: this.#storeFailures }, "scanning for work failed again");
      this.#storeFailures += 1;
      return 0;
    }
  }

  /** Takes the builds of workers that died on this machine, before their leases expire. */
  async #inherit(): Promise<number> {
    const { deps, held } = this.#options;
    if (this.#isFull || !this.#mayInherit) return 0;
    const rows = await deps.repository.work.held(DEFAULT_POOL, HELD_ROWS);
    const dead = rows.filter(
      (row) => hasPipeline(row, deps.pipelines) && row.lease?.owner !== undefined && isDead(row.lease.owner),
    );
    // Suspects first, while nothing else is held.
    dead.sort((a, b) => Number(isSuspect(b)) - Number(isSuspect(a)));
    const running = new RunningBuilds(
      held,
      rows.filter((row) => !dead.includes(row)),
    );
    let claimed = 0;
    let tried = 0;
    for (const row of dead) {
      if (this.#isFull) break;
      if (!withinLimits(row, this.#limits, running)) continue;
      tried += 1;
      if (await this.#claim(row, row.lease?.owner)) claimed += 1;
    }
    this.#mayInherit = tried < dead.length;
    return claimed;
  }

  async #scan(): Promise<number> {
    let claimed = 0;
    let running: RunningBuilds | undefined;
    const fresh = !this.#onlyFreed;
    this.#onlyFreed = false;
    // A full worker looks at no row: what it knows of builds that it cannot serve stays.
    if (fresh && !this.#isFull) for (const builds of this.#unserved.values()) builds.clear();
    for (const scanner of this.#scanners) {
      if (this.#isFull) break;
      const rows = await scanner.rows((row) => this.#isClaimable(row), fresh);
      if (rows.length === 0) continue;
      running = await this.#running(rows, running);
      claimed += await this.#claimFrom(scanner, rows, running);
    }
    for (const [pipeline, builds] of this.#unserved)
      this.#options.deps.metrics.unserved.set({ pipeline }, builds.size);
    return claimed;
  }

  /** What other workers run is read once in a scan, and only when a limit needs it. */
  async #running(rows: readonly DueWork[], known: RunningBuilds | undefined): Promise<RunningBuilds> {
    const { deps, held } = this.#options;
    if (known?.knowsOthers) return known;
    if (!rows.some((row) => isLimited(row, this.#limits))) return known ?? new RunningBuilds(held);
    return new RunningBuilds(held, await deps.repository.work.held(DEFAULT_POOL, HELD_ROWS));
  }

  async #claimFrom(scanner: QueueScanner, rows: readonly DueWork[], running: RunningBuilds): Promise<number> {
    let left = shuffleFront(rows);
    let claimed = 0;
    for (let failed = 0; failed < MAX_FAILED_CLAIMS && !this.#isFull; ) {
      left = left.filter((row) => withinLimits(row, this.#limits, running));
      const next = this.#scheduler.next(left, running);
      if (!next) break;
      left = left.filter((row) => row !== next);
      scanner.forget(next);
      if (await this.#claim(next)) claimed += 1;
      else failed += 1;
    }
    return claimed;
  }

  #isClaimable(row: DueWork): boolean {
    const { deps, held } = this.#options;
    if (this.#backoff.has(row)) return false;
    if (!hasPipeline(row, deps.pipelines)) {
      this.#noteUnserved(row);
      return false;
    }
    return held().every((build) => build.projectId !== row.project_id);
  }

  async #claim(row: DueWork, from?: string): Promise<boolean> {
    const { deps, owner, onClaim } = this.#options;
    const sentAt = readClock();
    let claimed: Claimed | undefined;
    try {
      const dueBy = this.#reconciled.has(row.project_id) ? row.work_due_at : undefined;
      claimed = await deps.repository.work.claim(row.project_id, owner, row.work_queue, { from, dueBy });
    } catch (error) {
      if (scopeOf(error) !== "project") throw error;
      this.#putAside(row, error);
      return false;
    }
    if (!claimed) {
      this.#putAside(row);
      return false;
    }
    this.#scheduler.served(row);
    deps.workerBackoff.claimed();
    if (this.#reconciled.delete(row.project_id)) deps.metrics.reconciled.inc();
    if (row.lease?.owner !== undefined) this.#reportTakeover(row, claimed, from);
    onClaim({ ...claimed, sentAt });
    return true;
  }

  /** A first refusal is usual: another worker was quicker. A row that is still there after it cannot be claimed. */
  #putAside(row: DueWork, error?: unknown): void {
    const { metrics, log } = this.#options.deps;
    const { times, isNews } = this.#backoff.add(row, error);
    this.#reconciled.delete(row.project_id);
    if (error === undefined && times === 1) return;
    const reason = error === undefined ? "refused" : "error";
    metrics.unclaimable.inc({ reason });
    log[isNews ? "error" : "debug"](
      { project: row.project_id, err: error, times },
      "a build that is due cannot be claimed: it is put aside",
    );
  }

  #noteUnserved({ project_id, pipeline = "" }: DueWork): void {
    let builds = this.#unserved.get(pipeline);
    if (!builds) {
      builds = new Set();
      this.#unserved.set(pipeline, builds);
      const { log } = this.#options.deps;
      log.warn({ project: project_id, pipeline }, "a build is due whose pipeline this worker does not have");
    }
    builds.add(project_id);
  }

  #reportTakeover(row: DueWork, { lease_token: token }: Claimed, from: string | undefined): void {
    const { metrics, log } = this.#options.deps;
    const why = from === undefined ? "lease_expired" : "owner_dead";
    metrics.takeovers.inc({ why });
    log.info({ project: row.project_id, token, from: row.lease?.owner, why }, "build taken over");
  }

  #errorWait(): number {
    const { idleFirstMs } = this.#options.deps.timings;
    return jittered(Math.min(ERROR_LAST_MS, idleFirstMs * 2 ** Math.min(this.#storeFailures, 16)));
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
