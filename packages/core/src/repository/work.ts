// Long because: claim, heartbeat, report and release share the rules of the lease.
import { claim, heartbeat } from "../commands/claim.ts";
import { type LeaseKey, leaseLost, reportPatch, requireLease } from "../commands/report.ts";
import { type ErrorCode, isStagefoldError, type StagefoldError, scopeOf } from "../errors.ts";
import { inflate, spill } from "../item-budget/spill.ts";
import { isCurrentVersion, normalise } from "../legacy/normalise.ts";
import { type Item, valueAt } from "../patch/index.ts";
import type { AttemptRef, LogChunk, LogStore } from "../ports/artifact-store.ts";
import type { DuePosition, DueWork } from "../ports/project-store.ts";
import { applyEvent } from "../project/apply-event.ts";
import { type Release, released } from "../project/end.ts";
import { type ReportEvent, reportEventSchema } from "../project/events.ts";
import { endAnyway, endOf, type StageEnd } from "../project/last-resort.ts";
import { takeOver } from "../project/take-over.ts";
import { findStage } from "../snapshot/find-stage.ts";
import { canonicalJson, digestOf } from "../snapshot/ids.ts";
import { parseInput } from "../snapshot/inputs.ts";
import { type LogLine, type ReportedLine, reportedLineSchema, toLogLine } from "../snapshot/log-line.ts";
import type { Project } from "../snapshot/schema.ts";
import { type Pool, workQueues } from "../snapshot/work-queue.ts";
import type { RepositoryContext } from "./context.ts";
import { ifGone, optimisticWrite, updateProject } from "./optimistic-write.ts";

/** Other writers may rightly come in between, such as with artifacts of other stages: the lease is not lost by that. */
const MAX_RETRIES = 10;
/** Rows of the work index that one query of a longer look asks for. */
const PAGE = 500;
/** Builds of programs that are looked at for a repeated claim. */
const MAX_HELD_ROWS = 10_000;
/** Rows of the first look into a queue, where one of them will most often do. */
const FIRST_ROWS = 20;
/** Later than any time that is stored. */
const FOREVER = "9999-12-31T23:59:59.999Z";

/** What a claim gives: the project as the lease owner's first write will find it, and the key to write. */
export interface Claimed extends LeaseKey {
  readonly project: Project;
  readonly expires_at: string;
}

export interface ClaimOptions {
  /** The lease owner, when it is proven to be gone. */
  readonly from?: string | undefined;
  /** Takes what is due by then, where the store's clock is behind the one that made it due. */
  readonly dueBy?: string | undefined;
  /** Names the claim, so that a repeat is recognised; random unless given. */
  readonly claimId?: string | undefined;
}

export interface Report extends LeaseKey {
  readonly project_id: string;
  readonly events: readonly ReportEvent[];
  /** Gives the lease back in the same write; a worker that could not run the stage, or begin any, says so. */
  readonly release?: false | Release;
  /**
   * The report cannot be corrected: a stage whose end is refused as invalid fails with that. Without it the refusal goes
   * to the caller, as for a program that may report again.
   */
  readonly isFinal?: boolean;
}

/** The writes of lease owners: claim, heartbeat, report, release. */
export class Work {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /** Work of a pool that is due, by priority, then the longest due first. Rows may be out of date: the claim decides. */
  async due(pool: Pool, limit: number): Promise<DueWork[]> {
    const { store } = this.#context;
    const now = this.#context.now();
    const found: DueWork[] = [];
    for (let priority = 1; priority <= 5 && found.length < limit; priority++) {
      const pages = await Promise.all(
        workQueues(pool, priority).map((queue) => store.due(queue, now, limit)),
      );
      found.push(...pages.flat().sort((a, b) => (a.work_due_at < b.work_due_at ? -1 : 1)));
    }
    return found.slice(0, limit);
  }

  /**
   * All of a pool's due work, or of these pipelines', in the same order, as far as it is asked for. A page is read when
   * the one before is used up.
   */
  async *eachDue(pool: Pool, pipelines?: readonly string[]): AsyncGenerator<DueWork, void, undefined> {
    const { store } = this.#context;
    const now = this.#context.now();
    for (let priority = 1; priority <= 5; priority++) {
      const look = async (queue: string, limit: number, after?: DuePosition) => {
        const rows = await store.due(queue, now, limit, { after, pipelines });
        return { queue, limit, rows };
      };
      let pages = await Promise.all(workQueues(pool, priority).map((queue) => look(queue, FIRST_ROWS)));
      while (pages.length > 0) {
        yield* pages.flatMap(({ rows }) => rows).sort((a, b) => (a.work_due_at < b.work_due_at ? -1 : 1));
        const full = pages.filter(({ rows, limit }) => rows.length >= limit);
        pages = await Promise.all(full.map(({ queue, rows }) => look(queue, PAGE, rows.at(-1))));
      }
    }
  }

  /** Due work of one queue (see `workQueues`), the longest due first; `after` is the last row of an earlier look. */
  async dueIn(queue: string, limit: number, after?: DuePosition): Promise<readonly DueWork[]> {
    return await this.#context.store.due(queue, this.#context.now(), limit, { after });
  }

  /**
   * What is held now and not due, with the lease owners: at most about `limit` rows. Each is one query, or more where many
   * builds run. Rows may be out of date.
   */
  async held(pool: Pool, limit: number): Promise<DueWork[]> {
    const queues = [1, 2, 3, 4, 5].flatMap((priority) => workQueues(pool, priority));
    const pages = await Promise.all(queues.map((queue) => this.#heldIn(queue, limit)));
    return pages.flat();
  }

  /** A lease that lives is due in the future: what waits to be claimed, however much, is not read. */
  async #heldIn(queue: string, limit: number): Promise<DueWork[]> {
    const { store } = this.#context;
    const since = this.#context.now();
    const found: DueWork[] = [];
    for (let after: DuePosition | undefined; ; ) {
      const page = await store.due(queue, FOREVER, PAGE, { since, after });
      found.push(...page.filter((row) => row.lease?.owner !== undefined));
      after = page.at(-1);
      if (page.length < PAGE || found.length >= limit) return found;
    }
  }

  /**
   * Takes the project if it is due; undefined when it is not, or another was quicker. `from` names its lease owner when
   * that is proven to be gone: the project is taken at once then. A claim that is repeated under its `claimId` before the
   * owner's first write is given again. Errors: SNAPSHOT_UNREADABLE, which concerns this project alone.
   */
  async claim(
    projectId: string,
    owner: string,
    workQueue?: string,
    options: ClaimOptions = {},
  ): Promise<Claimed | undefined> {
    const context = this.#context;
    const at = context.now();
    const { leaseMs, store } = context;
    const { from, dueBy: due_by, claimId: claim_id = context.newId() } = options;
    const isOwnWrite = (item: Item) =>
      valueAt(item, ["lease", "owner"]) === owner && valueAt(item, ["lease", "claim_id"]) === claim_id;
    // No guard can tell whether the stages can be read: where reading costs no request, the claim looks first.
    const before = store.readsLocally === true ? await store.get(projectId) : undefined;
    // An older item is not offered until its first write has upgraded it.
    if (before) {
      normalise(before);
      if (!isCurrentVersion(before)) return undefined;
    }
    const { ok, item } = await optimisticWrite(store, {
      project_id: projectId,
      decide: (stored) =>
        stored
          ? undefined
          : {
              patch: claim(projectId, { owner, leaseMs, work_queue: workQueue, claim_id, from, due_by }, at),
            },
      isOwnWrite,
    }).catch(ifGone);
    if (!item || !isCurrentVersion(item)) return undefined;
    const project = normalise(item);
    if (!ok) return undefined;
    context.changed(project);
    return claimedOf(project, at);
  }

  /** The claim that `owner` made under `claimId` and has not written with yet: what a repeat of it is given. */
  async claimed(pool: Pool, owner: string, claimId: string): Promise<Claimed | undefined> {
    const rows = await this.held(pool, MAX_HELD_ROWS);
    const mine = rows.filter((row) => row.lease?.owner === owner).map((row) => row.project_id);
    const item = (await this.#context.store.getMany(mine)).find(
      ({ lease }) => valueAt(lease, ["claim_id"]) === claimId && valueAt(lease, ["owner"]) === owner,
    );
    return item && claimedOf(normalise(item), this.#context.now());
  }

  /** Renews the lease. Errors: LEASE_LOST, PROJECT_NOT_FOUND. */
  async heartbeat(
    projectId: string,
    leaseToken: number,
  ): Promise<{ expires_at: string; status: Project["status"] }> {
    const context = this.#context;
    const at = this.#context.now();
    const expires = Date.parse(at) + context.leaseMs;
    const project = await updateProject(context.heartbeatStore, {
      project_id: projectId,
      cached: context.cache.get(projectId),
      maxRetries: MAX_RETRIES,
      decide: (known) => {
        const status = known?.status === "paused" ? "paused" : "building";
        const held = known && known.lease_token === leaseToken && known.lease.owner !== undefined;
        if (known && (!held || (known.status !== "paused" && known.status !== "building")))
          throw leaseLost(projectId);
        const lease = { lease_token: leaseToken, leaseMs: context.leaseMs, status } as const;
        return { patch: heartbeat(projectId, lease, at) };
      },
      // A later renewal than this one is as good as this one.
      isOwnWrite: (item) =>
        item.lease_token === leaseToken &&
        item.lease.expires_at !== undefined &&
        Date.parse(item.lease.expires_at) >= expires,
    });
    context.cache.set(project);
    if (project.lease.expires_at === undefined) throw leaseLost(projectId);
    return { expires_at: project.lease.expires_at, status: project.status };
  }

  /**
   * One write with all of the events, or none of them. Where schema or store refuse the end of a stage as such, the stage
   * fails with that instead: a stage that has ended always ends.
   * Errors: LEASE_LOST, PROJECT_CONFLICT, STAGE_CONFLICT, STAGE_NOT_FOUND, SNAPSHOT_TOO_LARGE, INVALID_INPUT.
   */
  async report(given: Report): Promise<Project> {
    try {
      const events = given.events.map((event) =>
        parseInput(reportEventSchema, event, `The event ${event.event}`),
      );
      const report = { ...given, events };
      return await this.#report(report, (known) => this.#evolve(known, report));
    } catch (error) {
      const end = endOf(given.events);
      if (!end || !isRefusalOfEnd(error, given)) throw error;
      return await this.#endAnyway(given, end, error);
    }
  }

  /** With what the stage made moved out of the item, or, where that is refused too, without it. */
  async #endAnyway(given: Report, end: StageEnd, refusal: unknown): Promise<Project> {
    const { artifacts } = this.#context.files;
    const at = this.#context.now();
    const { lease_seq: seq } = given;
    const said = linesOf(given.events, end.stage);
    try {
      return await this.#report(given, async (known) => {
        const lines = new LinesByAttempt();
        const next = endAnyway(takeOver(known, at), end, refusal, at, { seq, lines: said });
        if (said.length > 0) lines.add(next, end.stage, said, at);
        return { next: await spill(known, next, artifacts), lines };
      });
    } catch (error) {
      if (!isRefusalOfEnd(error, given)) throw error;
      return await this.#report(given, (known) =>
        Promise.resolve({ next: endAnyway(takeOver(known, at), end, refusal, at, { seq }) }),
      );
    }
  }

  async #report(report: Report, evolve: (known: Project) => Promise<Evolved>): Promise<Project> {
    const context = this.#context;
    const { project_id, lease_token, lease_seq } = report;
    // What tells two reports under one number apart.
    const digest = digestOf(canonicalJson([report.events, report.release ?? false]));
    // Until a claim's first write the number is that of an earlier lease owner's.
    const isOwnWrite = (item: Project) =>
      item.lease_token === lease_token &&
      item.lease_seq === lease_seq &&
      item.lease.unstarted !== true &&
      (item.report_digest ?? digest) === digest;
    const cached = context.cache.get(project_id);
    if (cached && isOwnWrite(cached)) return cached;
    let superseded: readonly string[] = [];
    let ended: readonly AttemptRef[] = [];
    const logs = new ReportLogs(context.store.keepsLogs === true ? undefined : context.files.logs, lease_seq);
    try {
      const project = await updateProject(context.store, {
        project_id,
        cached,
        isOwnWrite,
        maxRetries: MAX_RETRIES,
        decide: async (known) => {
          if (!known) throw leaseLost(project_id);
          requireLease(known, report);
          const evolved = await evolve(known);
          const { next, lines } = evolved;
          superseded = evolved.superseded ?? [];
          ended = endedAttempts(known, next);
          const transition = report.release ? "release" : "report";
          const times = { at: context.now(), leaseMs: context.leaseMs };
          const patch = reportPatch(transition, known, { ...next, report_digest: digest }, report, times);
          return { patch, logs: await logs.chunksOf(lines) };
        },
      });
      context.changed(project);
      await context.removeDocuments(project_id, superseded);
      await context.sealLogs(ended);
      return project;
    } catch (error) {
      if (isStagefoldError(error, "SNAPSHOT_TOO_LARGE")) context.cache.delete(project_id);
      await logs.refused(error);
      await context.removeLeftovers(error, project_id);
      throw error;
    }
  }

  /** The project after all events of the report, within the budget of the item. */
  async #evolve(known: Project, report: Report): Promise<Evolved> {
    const { artifacts } = this.#context.files;
    const at = this.#context.now();
    const lines = new LinesByAttempt();
    let next = takeOver(known, at);
    for (const event of report.events) {
      if (event.event === "artifacts" || event.event === "completed")
        next = await inflate(next, findStage(next, event.stage).position, artifacts);
      next = applyEvent(next, event, at, report.lease_seq);
      // In place of the start: what would have followed it did not happen.
      if (event.event === "started" && event.sub_stage === undefined && !runs(next, event.stage)) break;
      if (event.event === "log") lines.add(next, event.stage, event.lines, at);
    }
    if (report.release) next = released(next, at, report.release);
    const superseded: string[] = [];
    return { next: await spill(known, next, artifacts, superseded), lines, superseded };
  }
}

/** What a report that is refused as a whole says in the log of a stage. */
function linesOf(events: readonly ReportEvent[], stage: string): ReportedLine[] {
  const said: unknown[] = events.flatMap((event) =>
    event.event === "log" && event.stage === stage ? event.lines : [],
  );
  return said.flatMap((line) => {
    const { data } = reportedLineSchema.safeParse(line);
    return data === undefined ? [] : [data];
  });
}

/** Attempts that ran before a write and do not after it. */
function endedAttempts(before: Project, after: Project): AttemptRef[] {
  const { project_id } = before;
  return before.stages_snapshot.stages.flatMap(({ stage, status, attempt }, position) => {
    const now = after.stages_snapshot.stages[position];
    const runs = now?.status === "running" && now.attempt === attempt;
    return status === "running" && !runs ? [{ project_id, stage, attempt }] : [];
  });
}

function runs(project: Project, key: string): boolean {
  return findStage(project, key).stage.status === "running";
}

interface Evolved {
  readonly next: Project;
  readonly lines?: LinesByAttempt;
  /** Documents that no item names after the write. */
  readonly superseded?: readonly string[];
}

/** These tell the lease owner what to do next; any other refusal of an end would come again with each try. */
const TELLS_OWNER: readonly ErrorCode[] = [
  "LEASE_LOST",
  "PROJECT_NOT_FOUND",
  "PROJECT_CONFLICT",
  "SNAPSHOT_UNREADABLE",
];
/** A program can report again, and better; a final report cannot. */
const CORRECTABLE: readonly ErrorCode[] = ["INVALID_INPUT", "STAGE_CONFLICT", "STAGE_NOT_FOUND"];

function isRefusalOfEnd(error: unknown, report: Report): boolean {
  if (scopeOf(error) !== "project") return false;
  if (!isStagefoldError(error)) return true;
  return CORRECTABLE.includes(error.code) ? report.isFinal === true : !TELLS_OWNER.includes(error.code);
}

/** The log lines of one report, by the attempt that they belong to. */
class LinesByAttempt {
  readonly #chunks = new Map<string, { readonly ref: AttemptRef; readonly lines: LogLine[] }>();

  add(project: Project, key: string, lines: readonly ReportedLine[], at: string): void {
    const { stage } = findStage(project, key);
    const ref = { project_id: project.project_id, stage: stage.stage, attempt: stage.attempt };
    const name = `${ref.stage}/${ref.attempt}`;
    const chunk = this.#chunks.get(name) ?? { ref, lines: [] };
    for (const line of lines) chunk.lines.push(toLogLine(line, at));
    this.#chunks.set(name, chunk);
  }

  all() {
    return [...this.#chunks.values()];
  }
}

/**
 * Brings a report's log lines to where they belong: into the write itself where the store keeps them, else into the log
 * store before the write, so that what the item says was logged is there to be read.
 */
class ReportLogs {
  readonly #store: LogStore | undefined;
  readonly #seq: number;
  readonly #appended = new Map<string, AttemptRef>();

  constructor(store: LogStore | undefined, seq: number) {
    this.#store = store;
    this.#seq = seq;
  }

  async chunksOf(lines = new LinesByAttempt()): Promise<readonly LogChunk[]> {
    const chunks = lines.all();
    if (!this.#store) return chunks.map(({ ref, lines: text }) => ({ ...ref, seq: this.#seq, lines: text }));
    for (const { ref, lines: text } of chunks) {
      await this.#store.append(ref, this.#seq, text);
      this.#appended.set(`${ref.stage}/${ref.attempt}`, ref);
    }
    return [];
  }

  /**
   * A refused write that was appended for is emptied while the lease is held, so that its lines do not appear with a
   * later write. They stay when the write may have taken effect, or when no later write can follow.
   */
  async refused(error: unknown): Promise<void> {
    const final = isStagefoldError(error, "STORE_UNAVAILABLE") || isLeaseLost(error);
    if (!isStagefoldError(error) || final) return;
    for (const ref of this.#appended.values()) await this.#store?.append(ref, this.#seq, []);
  }
}

function claimedOf(project: Project, at: string): Claimed | undefined {
  const { lease_token, lease_seq } = project;
  const { expires_at } = project.lease;
  return expires_at === undefined
    ? undefined
    : { project: takeOver(project, at), lease_token, lease_seq, expires_at };
}

/** True for the errors that tell a lease owner that its lease is over. */
export function isLeaseLost(error: unknown): error is StagefoldError {
  return isStagefoldError(error, "LEASE_LOST") || isStagefoldError(error, "PROJECT_NOT_FOUND");
}
