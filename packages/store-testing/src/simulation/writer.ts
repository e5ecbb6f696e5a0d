import { type Claimed, isLeaseLost, isStagefoldError, type Project, type ReportEvent } from "@stagefold/core";
import { viewOf } from "./view.ts";
import type { Machine, World } from "./world.ts";

export type OverReason = "cancelled" | "deleted" | "lost" | "expired";

/** The lease is over: a writer that meets this writes nothing more. */
export class LeaseOver extends Error {
  constructor(reason: OverReason) {
    super(`The lease is over: ${reason}.`);
    this.name = "LeaseOver";
  }
}

/** One moment by both clocks, in milliseconds. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export function momentOf({ process }: Machine): Moment {
  return { monotonic: process.monotonic(), wall: process.clock.now() };
}

/** Milliseconds since then, by the clock that shows more. */
export function since(machine: Machine, then: Moment): number {
  const now = momentOf(machine);
  return Math.max(now.monotonic - then.monotonic, now.wall - then.wall);
}

/** The writes of one lease: one at a time, each numbered above the last, the same again while the store is unavailable. */
export class Writer {
  project: Project;
  renewedAt: Moment;
  over: OverReason | undefined;
  readonly token: number;
  readonly #world: World;
  readonly #machine: Machine;
  #seq: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(world: World, machine: Machine, claimed: Claimed, sentAt: Moment) {
    this.#world = world;
    this.#machine = machine;
    this.project = claimed.project;
    this.token = claimed.lease_token;
    this.#seq = claimed.lease_seq;
    this.renewedAt = sentAt;
  }

  get projectId(): string {
    return this.project.project_id;
  }

  end(reason: OverReason): void {
    if (this.over === undefined)
      this.#world.trace(`${this.#machine.process.name} leaves ${this.projectId}: ${reason}`);
    this.over ??= reason;
  }

  renewed(sentAt: Moment): void {
    if (sentAt.monotonic > this.renewedAt.monotonic) this.renewedAt = sentAt;
  }

  write(events: readonly ReportEvent[], release = false): Promise<Project> {
    const mine = this.#turn.then(() => this.#write(events, release));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #write(events: readonly ReportEvent[], release: boolean): Promise<Project> {
    const seq = this.#seq + 1;
    for (let tries = 0; ; tries++) {
      if (this.over) throw new LeaseOver(this.over);
      const sentAt = momentOf(this.#machine);
      try {
        const project = await this.#report(seq, events, release);
        this.#seq = seq;
        this.project = project;
        this.renewed(sentAt);
        return project;
      } catch (error) {
        if (isLeaseLost(error)) this.end(isStagefoldError(error, "PROJECT_NOT_FOUND") ? "deleted" : "lost");
        else if (!isStagefoldError(error, "STORE_UNAVAILABLE")) throw error;
        else await this.#machine.process.sleep(Math.min(2000, 100 * 2 ** tries));
      }
    }
  }

  async #report(seq: number, events: readonly ReportEvent[], release: boolean): Promise<Project> {
    const { histories, ledger } = this.#world;
    const { process, repository } = this.#machine;
    const { projectId: project_id, token } = this;
    ledger.sends(project_id, token, seq, events);
    this.#world.trace(`${process.name} reports ${project_id} ${token}/${seq} ${named(events, release)}`);
    try {
      const project = await histories.record(
        process.name,
        project_id,
        { do: "report", token, seq, events, release },
        () => repository.work.report({ project_id, lease_token: token, lease_seq: seq, events, release }),
        (written) => ({ answer: "ok", view: viewOf(written) }),
      );
      if (!ledger.tookReport(project_id, token, seq))
        this.#world.violated("acknowledged_not_done", `report ${seq} of token ${token}`);
      return project;
    } catch (error) {
      this.#notDoneUnless(error, seq);
      throw error;
    }
  }

  /** A refusal means that nothing happened, as long as the lease is still this one. */
  #notDoneUnless(error: unknown, seq: number): void {
    if (!isStagefoldError(error) || error.code === "STORE_UNAVAILABLE") return;
    const now = this.#world.table.project(this.projectId);
    if (now?.lease_token === this.token && this.#world.ledger.tookReport(this.projectId, this.token, seq))
      this.#world.violated("refused_though_done", `report ${seq} of token ${this.token}: ${error.code}`);
  }
}

function named(events: readonly ReportEvent[], release: boolean): string {
  const names = events.map(({ event, stage }) => `${event} ${stage}`);
  return `[${[...names, ...(release ? ["release"] : [])].join(", ")}]`;
}
