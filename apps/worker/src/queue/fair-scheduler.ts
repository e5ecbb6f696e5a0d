import type { DueWork } from "@stagefold/core";
import type { PipelineRegistry } from "@stagefold/pipeline";

/** What a worker holds, as far as limits and turns ask. */
export interface HeldBuild {
  readonly projectId: string;
  readonly pipelineName: string | undefined;
  readonly userId: string | undefined;
}

/** What runs now: of this worker as it is at each moment, of the others as the work index told when this was made. */
export class RunningBuilds {
  /** Whether it knows of more than this worker. */
  readonly knowsOthers: boolean;
  readonly #mine: () => readonly HeldBuild[];
  readonly #users = new Map<string, number>();
  readonly #pipelines = new Map<string, number>();

  constructor(mine: () => readonly HeldBuild[], held?: readonly DueWork[]) {
    this.#mine = mine;
    this.knowsOthers = held !== undefined;
    // The index shows this worker's own builds too.
    const own = new Set(mine().map((one) => one.projectId));
    for (const { project_id, user_id, pipeline } of held ?? []) {
      if (own.has(project_id)) continue;
      if (user_id !== undefined) add(this.#users, user_id);
      if (pipeline !== undefined) add(this.#pipelines, pipeline);
    }
  }

  ofUser(userId: string | undefined): number {
    const mine = this.#mine().filter((held) => held.userId === userId).length;
    return mine + (this.#users.get(userId ?? "") ?? 0);
  }

  ofPipeline(name: string | undefined): number {
    const mine = this.#mine().filter((held) => held.pipelineName === name).length;
    return mine + (this.#pipelines.get(name ?? "") ?? 0);
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

export interface Limits {
  readonly pipelines: PipelineRegistry;
  /** Builds of one user that may run at once, over all workers. */
  readonly maxRunningPerUser: number | undefined;
}

/** Rows this near the front are as good as each other. */
const NEAR_EQUAL = 8;

/** Whether this worker has the row's pipeline. */
export function hasPipeline(row: DueWork, pipelines: PipelineRegistry): boolean {
  return row.pipeline !== undefined && pipelines.get(row.pipeline) !== undefined;
}

/** Whether a limit says how many builds like this one may run at once. */
export function isLimited(row: DueWork, { pipelines, maxRunningPerUser }: Limits): boolean {
  if (maxRunningPerUser !== undefined && row.user_id !== undefined) return true;
  return row.pipeline !== undefined && pipelines.get(row.pipeline)?.max_running !== undefined;
}

/** Whether the limits allow one more build like this one. */
export function withinLimits(row: DueWork, limits: Limits, running: RunningBuilds): boolean {
  const { pipelines, maxRunningPerUser } = limits;
  const ofPipeline = row.pipeline === undefined ? undefined : pipelines.get(row.pipeline)?.max_running;
  if (ofPipeline !== undefined && running.ofPipeline(row.pipeline) >= ofPipeline) return false;
  if (maxRunningPerUser === undefined || row.user_id === undefined) return true;
  return running.ofUser(row.user_id) < maxRunningPerUser;
}

/**
 * The same rows, those at the front shuffled: workers that look at the same time see the same rows, and are not all to
 * go for the same one.
 */
export function shuffleFront(rows: readonly DueWork[], random = Math.random): DueWork[] {
  const front = rows
    .slice(0, NEAR_EQUAL)
    .map((row) => ({ row, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ row }) => row);
  return [...front, ...rows.slice(NEAR_EQUAL)];
}

/** Users whose last turn is remembered. */
const REMEMBERED = 10_000;

/**
 * Users take turns: next comes who has the fewest builds running, among those who was served the longest ago, among
 * those whose row stands first. So a thousand builds of one user delay another's by one build, not by a thousand.
 */
export class FairScheduler {
  /** User to the number of the last turn; the longest ago first. */
  readonly #served = new Map<string, number>();
  #turn = 0;

  /** The row whose turn it is. */
  next(rows: readonly DueWork[], running: RunningBuilds): DueWork | undefined {
    const ranks = new Map<string, readonly [number, number]>();
    let best: { row: DueWork; rank: readonly [number, number] } | undefined;
    for (const row of rows) {
      const user = userOf(row);
      let rank = ranks.get(user);
      if (!rank) {
        rank = [running.ofUser(row.user_id), this.#served.get(user) ?? 0];
        ranks.set(user, rank);
      }
      if (!best || isBefore(rank, best.rank)) best = { row, rank };
    }
    return best?.row;
  }

  /** A build of this row's user was claimed. */
  served(row: DueWork): void {
    const user = userOf(row);
    this.#served.delete(user);
    this.#served.set(user, ++this.#turn);
    if (this.#served.size <= REMEMBERED) return;
    for (const oldest of this.#served.keys()) {
      this.#served.delete(oldest);
      return;
    }
  }
}

/** Builds without a user are as one user's. */
function userOf(row: DueWork): string {
  return row.user_id ?? "";
}

function isBefore(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] !== b[0] ? a[0] < b[0] : a[1] < b[1];
}
