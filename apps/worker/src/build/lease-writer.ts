import {
  type Claimed,
  isLeaseLost,
  isStagefoldError,
  type Project,
  type Release,
  type ReportEvent,
  type Repository,
  scopeOf,
} from "@stagefold/core";
import type { Span, Telemetry } from "@stagefold/runtime/telemetry";
import type { Logger } from "pino";
import { retryDelay, sleep } from "../async.ts";
import { type ClockReading, readClock, since } from "../monotonic-clock.ts";

/** How a lease ended before its owner ended the build. */
export type LeaseEnd = "cancelled" | "deleted" | "lost" | "expired";

/** The lease is over: its owner writes nothing more and stops what it runs. */
export class LeaseLostError extends Error {
  readonly reason: LeaseEnd;

  constructor(reason: LeaseEnd) {
    super(`The lease is over: ${reason}.`);
    this.name = "LeaseLostError";
    this.reason = reason;
  }
}

/** The writes of one lease: one at a time, each numbered above the last, until the lease is over. */
export class LeaseWriter {
  /** The project as the last acknowledged write left it, or as a later answer showed it. */
  project: Project;
  /** When the last renewal was sent that the store acknowledged. */
  renewedAt: ClockReading;
  /** When the last write was acknowledged, by the monotonic clock. */
  wroteAt = performance.now();
  readonly leaseToken: number;
  /** Of the build in this worker: what stages say comes from their processes, which belong to no span. */
  span: Span | undefined;
  readonly #repository: Repository;
  readonly #log: () => Logger;
  readonly #onOver: (reason: LeaseEnd) => void;
  readonly #telemetry: Telemetry;
  readonly #end = new AbortController();
  #seq: number;
  #turn: Promise<unknown> = Promise.resolve();
  #over: LeaseLostError | undefined;

  constructor(
    repository: Repository,
    claimed: Claimed & { readonly sentAt: ClockReading },
    options: {
      readonly log: () => Logger;
      readonly onOver: (reason: LeaseEnd) => void;
      readonly telemetry: Telemetry;
    },
  ) {
    this.#repository = repository;
    this.project = claimed.project;
    this.leaseToken = claimed.lease_token;
    this.#seq = claimed.lease_seq;
    this.renewedAt = claimed.sentAt;
    this.#log = options.log;
    this.#onOver = options.onOver;
    this.#telemetry = options.telemetry;
  }

  get projectId(): string {
    return this.project.project_id;
  }

  /** Why the lease is over, once it is. */
  get over(): LeaseEnd | undefined {
    return this.#over?.reason;
  }

  /** Nothing is written from now on. Only the first reason counts. */
  end(reason: LeaseEnd): void {
    if (this.#over) return;
    this.#over = new LeaseLostError(reason);
    this.#end.abort();
    this.#onOver(reason);
  }

  /** The store acknowledged a renewal that was sent at this moment. */
  renewed(sentAt: ClockReading): void {
    if (sentAt.monotonic > this.renewedAt.monotonic) this.renewedAt = sentAt;
  }

  /**
   * One write with all of the events, after those before it. While the store is unavailable the same write is sent
   * again, as long as the lease is trusted; a document of this build that is damaged is no such case. Throws
   * LeaseLostError, and any other refusal as it came.
   */
  write(
    events: readonly ReportEvent[],
    options: { readonly release?: false | Release } = {},
  ): Promise<Project> {
    const write = () => this.#write(events, options.release ?? false);
    const { span } = this;
    const mine = this.#turn.then(span ? () => this.#telemetry.within(span, write) : write);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #write(events: readonly ReportEvent[], release: false | Release): Promise<Project> {
    // A number is used until a write with it is acknowledged: log lines of a refused one are replaced by the next.
    const lease_seq = this.#seq + 1;
    const { projectId: project_id, leaseToken: lease_token } = this;
    for (let tries = 0; ; tries++) {
      if (this.#over) throw this.#over;
      const sentAt = readClock();
      try {
        const project = await this.#repository.work.report({
          project_id,
          lease_token,
          lease_seq,
          events,
          release,
          isFinal: true,
        });
        this.#seq = lease_seq;
        this.project = project;
        this.wroteAt = performance.now();
        this.renewed(sentAt);
        return project;
      } catch (error) {
        if (isLeaseLost(error)) this.end(isStagefoldError(error, "PROJECT_NOT_FOUND") ? "deleted" : "lost");
        else if (!isStagefoldError(error, "STORE_UNAVAILABLE") || scopeOf(error) !== "store") throw error;
        else await this.#wait(tries, error);
      }
    }
  }

  async #wait(tries: number, error: Error): Promise<void> {
    this.#log().warn(
      { err: error, sinceRenewalMs: Math.round(since(this.renewedAt)) },
      "a write failed and is sent again",
    );
    await sleep(retryDelay(tries), this.#end.signal);
  }
}
