import { type DueWork, MAX_STALLS } from "@stagefold/core";
import type { PipelineRegistry } from "@stagefold/pipeline";

/** A build that this worker holds, as far as limits and turns need it. */
export interface HeldBuild {
  readonly projectId: string;
  readonly pipelineName: string | undefined;
  readonly userId: string | undefined;
  /** Its workers died twice in a row, and it has made no progress since. */
  readonly isSuspect: boolean;
}

/** What runs now: this worker's builds at each moment, those of other workers as the work index showed them once. */
export class RunningBuilds {
  /** Whether it counts the builds of other workers too. */
  readonly knowsOthers: boolean;
  readonly #mine: () => readonly HeldBuild[];
  readonly #users = new Map<string, number>();
  readonly #pipelines = new Map<string, number>();

  constructor(mine: () => readonly HeldBuild[], held?: readonly DueWork[]) {
    this.#mine = mine;
    this.knowsOthers = held !== undefined;
    // The index shows this worker's own builds too.
    const own = new Set(mine().map((build) => build.projectId));
    for (const { project_id, user_id, pipeline } of held ?? []) {
      if (own.has(project_id)) continue;
      if (user_id !== undefined) increment(this.#users, user_id);
      if (pipeline !== undefined) increment(this.#pipelines, pipeline);
    }
  }

  ofUser(userId: string | undefined): number {
    const mine = this.#mine().filter((build) => build.userId === userId).length;
    return mine + (this.#users.get(userId ?? "") ?? 0);
  }

  ofPipeline(name: string | undefined): number {
    const mine = this.#mine().filter((build) => build.pipelineName === name).length;
    return mine + (this.#pipelines.get(name ?? "") ?? 0);
  }
}

export interface Limits {
  readonly pipelines: PipelineRegistry;
  /** Builds of one user that may run at once, over all workers. */
  readonly maxRunningPerUser: number | undefined;
}

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
 * Whether one more death of its worker makes a build fail. Such a build gets no new neighbours, so that it neither takes
 * innocent ones along nor fails for what a neighbour did.
 */
export function isSuspect(row: DueWork): boolean {
  return (row.lease?.claims ?? 0) >= MAX_STALLS - 1;
}

/** Rows this near the front are as good as each other. */
const NEAR_EQUAL = 8;

/** The same rows, shuffled at the front: workers that scan at the same moment then claim different builds. */
export function shuffleFront(rows: readonly DueWork[], random = Math.random): DueWork[] {
  const front = rows
    .slice(0, NEAR_EQUAL)
    .map((row) => ({ row, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ row }) => row);
  return [...front, ...rows.slice(NEAR_EQUAL)];
}

/** Users whose last turn is remembered. */
const MAX_USERS = 10_000;

/**
 * Users take turns. Next is the user with the fewest builds running, among those the one served the longest ago, among
 * those the one whose row is first. A thousand builds of one user delay another user's by one build, not by a thousand.
 */
export class FairScheduler {
  /** User to the number of the last turn; the longest ago first. */
  readonly #served = new Map<string, number>();
  #turn = 0;

  /** The row to claim next. */
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
    if (this.#served.size <= MAX_USERS) return;
    for (const oldest of this.#served.keys()) {
      this.#served.delete(oldest);
      return;
    }
  }
}

/** Builds without a user count as one user's. */
function userOf(row: DueWork): string {
  return row.user_id ?? "";
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function isBefore(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] !== b[0] ? a[0] < b[0] : a[1] < b[1];
}
