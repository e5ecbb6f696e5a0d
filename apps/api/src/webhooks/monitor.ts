import {
  activeSeconds,
  DailySpending,
  DEFAULT_POOL,
  type DueWork,
  type RecordStore,
  type Repository,
  scopeOf,
  secondsBetween,
  toTime,
  workQueues,
} from "@stagefold/core";
import type { PipelineRegistry } from "@stagefold/pipeline";
import { WorkerDirectory, type WorkerEntry } from "@stagefold/runtime/worker-directory";
import type { Logger } from "pino";
import type { Statistics } from "../statistics/statistics.ts";
import { type EventType, slowEvent, type WebhookEvent } from "./events.ts";
import { Incidents, type Watched } from "./incidents.ts";
import type { Webhook } from "./webhooks.ts";

/** How often it looks. Milliseconds. */
const LOOK_MS = 30_000;
/** Slower than usual: builds of so many days, so many of them, so much above what 19 of 20 take, and so many seconds. */
const USUAL_DAYS = 14;
const MIN_BUILDS = 10;
const SLOW_FACTOR = 1.5;
const MIN_SLOW_SECONDS = 60;
/** How long a build is due before the queue may be stuck. Milliseconds. */
const STUCK_MS = 10 * 60_000;
const FRONT_ROWS = 50;
const HELD_ROWS = 10_000;
const BUDGET_LOW = 0.8;

const QUEUE = {
  subject: "queue",
  begin: "queue.stuck",
  end: "queue.recovered",
  holdMs: 5 * 60_000,
} as const satisfies Watched;
const WORKERS = {
  subject: "workers",
  begin: "workers.none",
  end: "workers.recovered",
  holdMs: 2 * 60_000,
} as const satisfies Watched;

export interface MonitorOptions {
  readonly repository: Repository;
  readonly records: RecordStore;
  readonly statistics: Statistics;
  readonly pipelines: PipelineRegistry;
  /** USD for language models in a day; none: nothing is said of it. */
  readonly budgetUsd?: number | undefined;
  readonly maxRunningPerUser?: number | undefined;
  readonly log?: Logger | undefined;
  /** A monotonic clock, in milliseconds. */
  readonly monotonic?: (() => number) | undefined;
}

/** Finds what no change of a build says. It looks only for what a webhook asks. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #incidents: Incidents;
  readonly #directory: WorkerDirectory;
  readonly #spending: DailySpending;
  /** Runs of builds of which it was said that they are slow. */
  #toldSlow: ReadonlySet<string> = new Set();
  #running: ReadonlySet<string> | undefined;
  #lookedAt = 0;

  constructor(options: MonitorOptions) {
    const { records, repository, monotonic } = options;
    this.#options = options;
    this.#incidents = new Incidents(records, repository.clock, monotonic);
    this.#directory = new WorkerDirectory(records, repository.clock);
    this.#spending = new DailySpending(records, repository.clock);
  }

  /** What is to be told now: each call may give the same events again. Nothing within half a minute of the last look. */
  async look(active: readonly Webhook[]): Promise<WebhookEvent[]> {
    const now = this.#options.repository.clock.now();
    if (Math.abs(now - this.#lookedAt) < LOOK_MS) return [];
    this.#lookedAt = now;
    const asked = new Set<EventType>(active.flatMap(({ events }) => events));
    const found: WebhookEvent[] = [];
    const check = async (types: readonly EventType[], find: () => Promise<WebhookEvent[]>) => {
      if (!types.some((type) => asked.has(type))) return;
      try {
        found.push(...(await find()));
      } catch (error) {
        this.#options.log?.warn({ err: error, types }, "an alert could not be looked for; it is tried again");
      }
    };
    await check(["build.slow"], () => this.#slow());
    await check(["workers.none"], async () => this.#incidents.observe(WORKERS, await this.#noWorker()));
    await check(["queue.stuck"], async () => this.#incidents.observe(QUEUE, await this.#stuck()));
    await check(["budget.low", "budget.spent"], () => this.#budget());
    return found;
  }

  async #slow(): Promise<WebhookEvent[]> {
    const { repository } = this.#options;
    const found: WebhookEvent[] = [];
    const told = new Set<string>();
    for (let cursor: string | undefined; ; ) {
      const page = await repository.lists.projects({ status: "building" }, 100, cursor);
      for (const row of page.items) {
        const run = `${row.project_id}.${row.run}`;
        if (this.#toldSlow.has(run)) {
          told.add(run);
          continue;
        }
        const usual_seconds = await this.#usual(row.pipeline);
        if (usual_seconds === undefined || row.started_at === undefined) continue;
        const limit = Math.max(MIN_SLOW_SECONDS, SLOW_FACTOR * usual_seconds);
        const now = toTime(repository.clock.now());
        // What lay idle between its stages counts here and not below: most rows need no read of the build.
        if (secondsBetween(row.started_at, now) < limit) continue;
        const active_seconds = await this.#activeSeconds(row.project_id, now);
        if (active_seconds === undefined || active_seconds < limit) continue;
        told.add(run);
        found.push(slowEvent(row, { active_seconds: Math.round(active_seconds), usual_seconds }));
      }
      if (page.next_cursor === null) {
        // Runs that have ended since are forgotten.
        this.#toldSlow = told;
        return found;
      }
      cursor = page.next_cursor;
    }
  }

  /** Undefined for a build that cannot be read, or is gone: it keeps no other from being told of. */
  async #activeSeconds(projectId: string, now: string): Promise<number | undefined> {
    try {
      return activeSeconds((await this.#options.repository.get(projectId)).stages_snapshot.stages, now);
    } catch (error) {
      if (scopeOf(error) === "project") return undefined;
      throw error;
    }
  }

  /** What 19 of 20 builds of a pipeline stay below, in seconds; undefined where too few are known. */
  async #usual(pipeline: string | undefined): Promise<number | undefined> {
    if (pipeline === undefined) return undefined;
    const query = { days: USUAL_DAYS, time_zone: "UTC", pipeline };
    const { completed, duration_seconds } = (await this.#options.statistics.builds(query)).all;
    return completed < MIN_BUILDS ? undefined : duration_seconds?.p95;
  }

  async #noWorker(): Promise<string | undefined> {
    const workers = await this.#directory.list();
    return workers.length === 0 ? "no worker was heard of" : undefined;
  }

  /** Without a worker it is not the queue that is stuck. */
  async #stuck(): Promise<string | undefined> {
    const { repository } = this.#options;
    const workers = await this.#directory.list();
    const before = this.#running;
    const running = new Set(workers.flatMap((one) => one.running.map(({ project_id }) => project_id)));
    this.#running = running;
    if (workers.length === 0) return undefined;
    const isMoving = [...running].some((projectId) => !before?.has(projectId));
    const since = toTime(repository.clock.now() - STUCK_MS);
    const queues = [1, 2, 3, 4, 5].flatMap((priority) => workQueues(DEFAULT_POOL, priority));
    const fronts = await Promise.all(queues.map((queue) => repository.work.dueIn(queue, FRONT_ROWS)));
    const overdue = fronts.flat().filter(({ work_due_at }) => work_due_at <= since);
    if (overdue.length === 0) return undefined;
    const isAllowed = await this.#limits(overdue);
    for (const row of overdue) {
      const { project_id, pipeline, work_due_at } = row;
      const of = `the build ${project_id} of the pipeline ${pipeline ?? "without a name"} is due since ${work_due_at}`;
      const able = workers.filter((one) => pipeline !== undefined && Object.hasOwn(one.pipelines, pipeline));
      if (able.length === 0) return `${of}, and no worker has its pipeline`;
      if (isAllowed(row) && !isMoving && able.some(hasFreeSlot))
        return `${of}, and no worker takes it though one has a free slot`;
    }
    return undefined;
  }

  /** Whether one more build like it may run now. */
  async #limits(rows: readonly DueWork[]): Promise<(row: DueWork) => boolean> {
    const { repository, pipelines, maxRunningPerUser } = this.#options;
    const limitOf = ({ pipeline }: DueWork) =>
      pipeline === undefined ? undefined : pipelines.get(pipeline)?.max_running;
    if (maxRunningPerUser === undefined && rows.every((row) => limitOf(row) === undefined)) return () => true;
    const held = await repository.work.held(DEFAULT_POOL, HELD_ROWS);
    return (row) => {
      const ofPipeline = held.filter(({ pipeline }) => pipeline === row.pipeline).length;
      const ofUser = held.filter(({ user_id }) => user_id === row.user_id).length;
      const isOfUser = row.user_id !== undefined && maxRunningPerUser !== undefined;
      return ofPipeline < (limitOf(row) ?? Infinity) && !(isOfUser && ofUser >= maxRunningPerUser);
    };
  }

  async #budget(): Promise<WebhookEvent[]> {
    const { budgetUsd, repository } = this.#options;
    if (budgetUsd === undefined) return [];
    const spent_usd = await this.#spending.today();
    const date = toTime(repository.clock.now()).slice(0, 10);
    const budget = { date, spent_usd, limit_usd: budgetUsd };
    const event = (name: "low" | "spent", order: string): WebhookEvent => ({
      id: `budget.${date}.${name}`,
      type: `budget.${name}`,
      order: `budget#${date}#${order}`,
      at: undefined,
      data: { budget },
    });
    if (spent_usd < BUDGET_LOW * budgetUsd) return [];
    return spent_usd < budgetUsd ? [event("low", "1")] : [event("low", "1"), event("spent", "9")];
  }
}

function hasFreeSlot({ slots, running, not_ready }: WorkerEntry): boolean {
  return not_ready === undefined && running.length < slots;
}
