import { isLeaseLost, isStagefoldError, type Project, type Repository } from "@stagefold/core";
import type { Logger } from "pino";
import { readClock, since, TRUSTED_SHARE } from "../monotonic-clock.ts";
import type { LeaseWriter } from "./lease-writer.ts";

export interface RenewerOptions {
  readonly repository: Repository;
  readonly writer: LeaseWriter;
  /** Milliseconds without an answer of the store after which the project is read, which shows a cancel. */
  readonly pollMs: number;
  readonly log: () => Logger;
}

/**
 * Keeps a lease while a build is held: renews it when no write has done so for a quarter of it, looks at the project
 * when the store has not answered for a while, and gives the lease up when it cannot be trusted any more.
 */
export class LeaseRenewer {
  readonly #options: RenewerOptions;
  readonly #leaseMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = performance.now();
  #renewAt = 0;
  #looking = false;

  constructor(options: RenewerOptions) {
    this.#options = options;
    this.#leaseMs = options.repository.leaseMs;
  }

  start(): void {
    const everyMs = Math.min(100, Math.max(20, this.#leaseMs / 40));
    this.#timer = setInterval(() => this.#tick(), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The project as another answer of the store shows it, or as another write of this process left it. */
  observe(project: Project): void {
    const { writer } = this.#options;
    if (project.lease_token > writer.leaseToken)
      writer.end(project.status === "cancelled" ? "cancelled" : "lost");
    else if (project.revision > writer.project.revision) writer.project = project;
  }

  #tick(): void {
    const { writer, pollMs } = this.#options;
    if (writer.over !== undefined) {
      this.stop();
      return;
    }
    const age = since(writer.renewedAt);
    if (age > this.#leaseMs * TRUSTED_SHARE) {
      writer.end("expired");
      return;
    }
    const now = performance.now();
    if (age > this.#leaseMs / 4 && now >= this.#renewAt) void this.#renew();
    if (now - Math.max(this.#lookedAt, writer.wroteAt) > pollMs && !this.#looking) void this.#scan();
  }

  /** An answer that is late, or never comes, holds up no other: the next heartbeat is sent meanwhile, and each counts. */
  async #renew(): Promise<void> {
    const { repository, writer, log } = this.#options;
    const sentAt = readClock();
    this.#renewAt = sentAt.monotonic + this.#leaseMs / 6;
    try {
      await repository.work.heartbeat(writer.projectId, writer.leaseToken);
      writer.renewed(sentAt);
    } catch (error) {
      if (isLeaseLost(error)) writer.end(isStagefoldError(error, "PROJECT_NOT_FOUND") ? "deleted" : "lost");
      else log().warn({ err: error }, "a heartbeat failed and is sent again");
      this.#renewAt = Math.min(this.#renewAt, performance.now() + this.#leaseMs / 20);
    }
  }

  /** An eventually consistent read costs a fraction of a write. It may show an older state, which then says nothing. */
  async #scan(): Promise<void> {
    const { repository, writer, log } = this.#options;
    this.#looking = true;
    try {
      this.observe(await repository.get(writer.projectId, { consistent: false }));
    } catch (error) {
      if (isStagefoldError(error, "PROJECT_NOT_FOUND")) await this.#confirmGone();
      else log().debug({ err: error }, "the project could not be looked at");
    } finally {
      this.#lookedAt = performance.now();
      this.#looking = false;
    }
  }

  async #confirmGone(): Promise<void> {
    const { repository, writer, log } = this.#options;
    try {
      await repository.get(writer.projectId, { consistent: true });
    } catch (error) {
      if (isStagefoldError(error, "PROJECT_NOT_FOUND")) writer.end("deleted");
      else log().debug({ err: error }, "the project could not be looked at");
    }
  }
}
