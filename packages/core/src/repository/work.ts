import { claim, heartbeat } from "../commands/claim.ts";
import { type LeaseKey, leaseLost, reportPatch, requireLease } from "../commands/report.ts";
import { isStagefoldError, type StagefoldError } from "../errors.ts";
import { inflate, spill } from "../item-budget/spill.ts";
import { isCurrentVersion, normalise } from "../legacy/normalise.ts";
import type { UpdatePatch } from "../patch/index.ts";
import type { AttemptRef } from "../ports/artifact-store.ts";
import type { DuePosition, DueWork } from "../ports/project-store.ts";
import { applyEvent } from "../project/apply-event.ts";
import { type NotRun, released } from "../project/end.ts";
import type { ReportEvent } from "../project/events.ts";
import { takeOver } from "../project/take-over.ts";
import { findStage } from "../snapshot/find-stage.ts";
import type { Project } from "../snapshot/schema.ts";
import { type Pool, workQueues } from "../snapshot/work-queue.ts";
import type { RepositoryContext } from "./context.ts";
import { optimisticWrite } from "./optimistic-write.ts";

/** Others may write meanwhile by right, such as artifacts of other stages: no reason to take the lease for lost. */
const MAX_RETRIES = 10;
/** Rows of the work index that one query of a longer look asks for. */
const PAGE = 500;
/** Later than any time that is stored. */
const FOREVER = "9999-12-31T23:59:59.999Z";

/** What a claim gives: the project as the holder's first write will find it, and the key to write. */
export interface Claimed extends LeaseKey {
  readonly project: Project;
  readonly expires_at: string;
}

export interface Report extends LeaseKey {
  readonly project_id: string;
  readonly events: readonly ReportEvent[];
  /** Gives the lease back in the same write; a worker that could not run the stage says why. */
  readonly release?: boolean | NotRun;
}

/** The writes of those who run stages: claim, heartbeat, report, release. */
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

  /** Due work of one queue (see `workQueues`), the longest due first; `after` is the last row of an earlier look. */
  async dueIn(queue: string, limit: number, after?: DuePosition): Promise<readonly DueWork[]> {
    return await this.#context.store.due(queue, this.#context.now(), limit, { after });
  }

  /**
   * What is held now and not due, with its holders: at most about `limit` rows. Each is one query, or more where many
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
   * Takes the project if it is due; undefined when it is not, or another was quicker. `from` names its holder when
   * that is proven to be gone: the project is taken at once then.
   */
  async claim(
    projectId: string,
    owner: string,
    workQueue?: string,
    options: { readonly from?: string | undefined; readonly dueBy?: string | undefined } = {},
  ): Promise<Claimed | undefined> {
    const context = this.#context;
    const at = this.#context.now();
    const { leaseMs } = context;
    const claim_id = context.newId();
    const { from, dueBy: due_by } = options;
    const patch = claim(projectId, { owner, leaseMs, work_queue: workQueue, claim_id, from, due_by }, at);
    const written = await context.store.write(patch);
    if (!written.item || !isCurrentVersion(written.item)) return undefined;
    const project = normalise(written.item);
    const expires_at = project.lease.expires_at;
    const mine = project.lease.owner === owner && project.lease.claim_id === claim_id;
    if ((!written.ok && !mine) || expires_at === undefined) return undefined;
    context.changed(project);
    const { lease_token, lease_seq } = project;
    return { project: takeOver(project, at), lease_token, lease_seq, expires_at };
  }

  /** Renews the lease. Errors: LEASE_LOST, PROJECT_NOT_FOUND. */
  async heartbeat(
    projectId: string,
    leaseToken: number,
  ): Promise<{ expires_at: string; status: Project["status"] }> {
    const context = this.#context;
    const at = this.#context.now();
    const expires = Date.parse(at) + context.leaseMs;
    const project = await optimisticWrite(context.heartbeatStore, {
      project_id: projectId,
      known: context.cache.get(projectId),
      maxRetries: MAX_RETRIES,
      decide: (known): UpdatePatch => {
        const status = known?.status === "paused" ? "paused" : "building";
        const held = known && known.lease_token === leaseToken && known.lease.owner !== undefined;
        if (known && (!held || (known.status !== "paused" && known.status !== "building")))
          throw leaseLost(projectId);
        return heartbeat(projectId, { lease_token: leaseToken, leaseMs: context.leaseMs, status }, at);
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
   * One write with all of the events, or none of them.
   * Errors: LEASE_LOST, PROJECT_CONFLICT, STAGE_CONFLICT, STAGE_NOT_FOUND, SNAPSHOT_TOO_LARGE, INVALID_INPUT.
   */
  async report(report: Report): Promise<Project> {
    const context = this.#context;
    const { lease_token, lease_seq } = report;
    // Until a claim's first write the number is that of an earlier holder's.
    const isOwnWrite = (item: Project) =>
      item.lease_token === lease_token && item.lease_seq === lease_seq && item.lease.unstarted !== true;
    const known = context.cache.get(report.project_id);
    if (known && isOwnWrite(known)) return known;
    const logs = new LogLines();
    try {
      const project = await optimisticWrite(context.store, {
        project_id: report.project_id,
        known,
        isOwnWrite,
        maxRetries: MAX_RETRIES,
        decide: async (latest) => {
          if (!latest) throw leaseLost(report.project_id);
          return await this.#reportPatch(latest, report, logs);
        },
      });
      context.changed(project);
      return project;
    } catch (error) {
      if (isStagefoldError(error, "SNAPSHOT_TOO_LARGE")) context.cache.delete(report.project_id);
      // Refused while the lease is held: its lines must not come to light with a later write. Of a write whose fate is not
      // known, and of one whose lease is over, they stay: it may have taken effect, and if not, no later one follows.
      const over = isStagefoldError(error, "STORE_UNAVAILABLE") || isLeaseLost(error);
      if (isStagefoldError(error) && !over) await this.#append(logs.empty(), report);
      throw error;
    }
  }

  async #append(
    chunks: Iterable<{ ref: AttemptRef; lines: readonly string[] }>,
    report: Report,
  ): Promise<void> {
    for (const { ref, lines } of chunks) await this.#context.files.logs.append(ref, report.lease_seq, lines);
  }

  async #reportPatch(known: Project, report: Report, logs: LogLines): Promise<UpdatePatch> {
    const at = this.#context.now();
    requireLease(known, report);
    // Decided again, a report begins anew.
    const lines = new LogLines();
    let next = takeOver(known, at);
    for (const event of report.events) {
      if (event.event === "artifacts" || event.event === "completed")
        next = await inflate(next, findStage(next, event.stage).position, this.#context.files.artifacts);
      next = applyEvent(next, event, at, report.lease_seq);
      if (event.event === "log") lines.add(next, event.stage, event.lines);
    }
    if (report.release) next = released(next, at, report.release === true ? undefined : report.release);
    const fitted = await spill(known, next, this.#context.files.artifacts);
    const patch = reportPatch(report.release ? "release" : "report", known, fitted, report, {
      at,
      leaseMs: this.#context.leaseMs,
    });
    // Before the write: what the item says was logged is there to be read. A chunk never acknowledged is never shown.
    await this.#append(lines.chunks(), report);
    logs.adopt(lines);
    return patch;
  }
}

/** Lines by stage attempt. */
class LogLines {
  readonly #chunks = new Map<string, { ref: AttemptRef; lines: string[] }>();

  add(project: Project, key: string, lines: readonly string[]): void {
    const { stage } = findStage(project, key);
    const ref = { project_id: project.project_id, stage: stage.stage, attempt: stage.attempt };
    const name = `${ref.stage}/${ref.attempt}`;
    const chunk = this.#chunks.get(name) ?? { ref, lines: [] };
    chunk.lines.push(...lines);
    this.#chunks.set(name, chunk);
  }

  chunks() {
    return this.#chunks.values();
  }

  /** Takes the chunks of another one in, in place of those of the same attempts. */
  adopt(other: LogLines): void {
    for (const [name, chunk] of other.#chunks) this.#chunks.set(name, chunk);
  }

  /** The same chunks without a line. */
  *empty() {
    for (const { ref } of this.#chunks.values()) yield { ref, lines: [] };
  }
}

/** True for the errors that tell a holder that it holds nothing any more. */
export function isLeaseLost(error: unknown): error is StagefoldError {
  return isStagefoldError(error, "LEASE_LOST") || isStagefoldError(error, "PROJECT_NOT_FOUND");
}
