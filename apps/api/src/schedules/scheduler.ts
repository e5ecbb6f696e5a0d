import { isStagefoldError, scopeOf } from "@stagefold/core";
import type { Logger } from "pino";
import type { Principal } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { PollLoop } from "../poll-loop.ts";
import { createBuild } from "../routers/create-build.ts";
import { SetBackClock } from "../set-back-clock.ts";
import { nextTimes } from "./next-time.ts";
import { buildOf, isOfMachine, MAX_ERROR, type Schedule } from "./schedules.ts";

/** How long the scheduler waits at most before it looks again: another process may have made a schedule. Milliseconds. */
const LOOK_MS = 15_000;
/** A time that is later than this when it is served was missed. Milliseconds. */
const LATE_MS = 60_000;
const MAX_DUE = 100;

interface SchedulerOptions {
  readonly context: Context;
  readonly log?: Logger | undefined;
}

/**
 * Starts the builds of schedules whose time has come. Every API process has one: the build of a time is created under
 * the key `<schedule>:<time>`, so that two of them, or one that is killed between its two writes, make one build.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #loop = new PollLoop(() => this.#poll());
  readonly #clock = new SetBackClock();
  #unsubscribe: (() => void) | undefined;
  #isClosed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    // The time of a schedule that was made here may come sooner than the next look.
    this.#unsubscribe = this.#options.context.schedules.onChange(() => this.#loop.wake());
    this.#loop.start();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe?.();
    await this.#loop.close();
  }

  /** Serves what is due now. Errors: those of the store. */
  async serveDue(): Promise<void> {
    const { schedules, repository } = this.#options.context;
    await this.#clock.retimed(repository.clock.now(), () => schedules.retime(LATE_MS));
    for (const schedule of await schedules.due(MAX_DUE)) {
      if (this.#isClosed) return;
      await this.#serve(schedule);
    }
  }

  async #poll(): Promise<number> {
    const { context, log } = this.#options;
    try {
      await this.serveDue();
      const next = await context.schedules.nextDue();
      if (next === undefined) return LOOK_MS;
      return Math.min(LOOK_MS, Math.max(50, Date.parse(next) - context.repository.clock.now()));
    } catch (error) {
      log?.error({ err: error }, "schedules could not be looked at; it is tried again");
      return LOOK_MS;
    }
  }

  async #serve(schedule: Schedule): Promise<void> {
    const { context, log } = this.#options;
    const { schedules } = context;
    const now = context.repository.clock.now();
    const { next_at: at } = schedule;
    if (at === undefined) return;
    const missed = now - Date.parse(at) > LATE_MS ? countMissed(schedule, at, now) : 0;
    const note = missed > 0 ? { missed } : {};
    if (missed > 0 && schedule.missed === "skip") return await schedules.served(schedule, { at, ...note });
    try {
      const key = `${schedule.schedule_id}:${at}`;
      const isLocal = isOfMachine(schedule, context.auth !== undefined);
      const asSchedule = isLocal ? context : { ...context, principal: principalOf(schedule) };
      const { project } = await createBuild(asSchedule, buildOf(schedule, key));
      const { project_id } = project;
      await schedules.served(schedule, { at, project_id, ...note });
    } catch (error) {
      // A schedule that may not do what it says concerns itself alone.
      if (scopeOf(error) !== "project" && !isStagefoldError(error, "FORBIDDEN")) throw error;
      log?.warn({ err: error, schedule: schedule.schedule_id }, "a schedule could not start its build");
      const said = isStagefoldError(error) ? error.message : "an internal error; the API's log says more";
      await schedules.served(schedule, { at, error: said.slice(0, MAX_ERROR), ...note });
    }
  }
}

/** A schedule acts for its user, with the rights of a member. */
function principalOf({ name, schedule_id, user_id }: Schedule): Principal {
  return { kind: "user", id: `schedule:${schedule_id}`, name, role: "member", user_id };
}

const MAX_COUNTED = 1000;

/** How many times came until now, the first of them included; at most a thousand. */
function countMissed({ cron, time_zone }: Schedule, at: string, now: number): number {
  try {
    const later = nextTimes(cron, time_zone, Date.parse(at), MAX_COUNTED - 1);
    return 1 + later.filter((time) => Date.parse(time) <= now).length;
  } catch (error) {
    // This Node cannot time it, which `served` says: the time that is due is known all the same.
    if (isStagefoldError(error, "INVALID_INPUT")) return 1;
    throw error;
  }
}
