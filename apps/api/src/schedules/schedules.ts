// Long because: every write of a schedule stands here, beside what a schedule is.
import {
  type Asker,
  type Clock,
  createProjectSchema,
  cursorsOf,
  type Edit,
  type Item,
  invalidInput,
  isStagefoldError,
  newOperationId,
  optimisticRecordWrite,
  type Page,
  type RecordPatch,
  type RecordStore,
  requireOwner,
  StagefoldError,
  textSchema,
  toTime,
} from "@stagefold/core";
import { z } from "zod";
import { nextTime } from "./next-time.ts";

export const scheduleIdSchema = z.string().regex(/^sched_[0-9a-f]{16}$/, "expected sched_ and 16 hex digits");

/** What a schedule makes builds of: the fields of `projects.create` that are the same each time. */
const buildSchema = createProjectSchema.omit({ idempotency_key: true, user_id: true, stages: true }).strict();

/** What a person says of a schedule. */
export const scheduleFieldsSchema = z.strictObject({
  name: textSchema(200, 1),
  /** Five fields: minute, hour, day of month, month, day of week. */
  cron: textSchema(200, 1),
  /** An IANA name. */
  time_zone: textSchema(64, 1).default("UTC"),
  build: buildSchema,
  /** Of times at which no API ran: start one build for all of them, or none. */
  missed: z.enum(["run_once", "skip"]).default("run_once"),
});

/** A schedule as it is kept and shown. Times as everywhere. */
export const scheduleSchema = scheduleFieldsSchema.extend({
  schedule_id: scheduleIdSchema,
  status: z.enum(["active", "paused"]),
  /** Absent while it is paused, and when its pattern has no more times. */
  next_at: z.string().optional(),
  /** The last time that came, with the build that it made, or why there is none. */
  last: z
    .object({
      at: z.string(),
      project_id: z.string().optional(),
      error: z.string().optional(),
      missed: z.number().int().optional(),
    })
    .optional(),
  user_id: z.string().optional(),
  created_by: z.string().optional(),
  created_at: z.string(),
  revision: z.number().int(),
});
export type Schedule = z.output<typeof scheduleSchema>;
export type ScheduleFields = z.output<typeof scheduleFieldsSchema>;
/** What is left out stays. */
export type ScheduleChanges = {
  readonly [Field in keyof ScheduleFields]?: ScheduleFields[Field] | undefined;
};

/** Characters of `last.error`. */
export const MAX_ERROR = 500;
const ALL = "schedules";
const DUE = "schedules#due";

/** Schedules as records. Each change is one write under the revision that it was decided from. */
export class Schedules {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Called when a schedule was made or changed here. Returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async create(
    fields: ScheduleFields,
    { user_id, created_by }: Pick<Schedule, "user_id" | "created_by">,
  ): Promise<Schedule> {
    const now = this.#clock.now();
    const schedule: Schedule = {
      ...fields,
      schedule_id: `sched_${newOperationId()}`,
      status: "active",
      next_at: firstTime(fields, now),
      ...(user_id !== undefined && { user_id }),
      ...(created_by !== undefined && { created_by }),
      created_at: toTime(now),
      revision: 1,
    };
    const key = keyOf(schedule.schedule_id);
    const item: Item = { ...key, ...indexesOf(schedule), listed: schedule };
    const written = await this.#records.write({ ...key, kind: "put", guards: [], item });
    if (!written.ok) throw new Error("Two random ids of schedules are the same.");
    this.#notify();
    return schedule;
  }

  /** Errors: SCHEDULE_NOT_FOUND. */
  async get(scheduleId: string): Promise<Schedule> {
    const schedule = scheduleOf(await this.#records.get(keyOf(scheduleId)));
    if (schedule) return schedule;
    throw notFound(scheduleId);
  }

  /** Newest first. Errors: INVALID_INPUT for a cursor of another list. */
  async list(limit: number, cursor: string | undefined): Promise<Page<Schedule>> {
    const cursors = await cursorsOf(["schedules"], z.string());
    const page = await this.#records.query({
      index: "gsi2",
      pk: ALL,
      newestFirst: true,
      limit,
      cursor: cursor === undefined ? undefined : cursors.decode(cursor),
    });
    const { next } = page;
    return { items: readable(page.items), next_cursor: next === undefined ? null : cursors.encode(next) };
  }

  /** Those whose time has come, the longest overdue first. One that cannot be read is left out. */
  async due(limit: number): Promise<Schedule[]> {
    const to = toTime(this.#clock.now());
    const due: Schedule[] = [];
    for (let cursor: string | undefined; due.length < limit; ) {
      const page = await this.#records.query({ index: "gsi1", pk: DUE, to: `${to}~`, limit: 100, cursor });
      due.push(...readable(page.items));
      cursor = page.next;
      if (cursor === undefined) break;
    }
    return due.slice(0, limit);
  }

  /** When the next one is due; undefined when none will be. */
  async nextDue(): Promise<string | undefined> {
    const { items } = await this.#records.query({ index: "gsi1", pk: DUE, limit: 1 });
    return readable(items)[0]?.next_at;
  }

  /** Errors: SCHEDULE_NOT_FOUND, FORBIDDEN for a member whose schedule it is not, INVALID_INPUT. */
  update(scheduleId: string, fields: ScheduleChanges, asker: Asker): Promise<Schedule> {
    return this.#change(scheduleId, asker, (schedule) => {
      const next = {
        ...schedule,
        name: fields.name ?? schedule.name,
        cron: fields.cron ?? schedule.cron,
        time_zone: fields.time_zone ?? schedule.time_zone,
        build: fields.build ?? schedule.build,
        missed: fields.missed ?? schedule.missed,
      };
      const isMoved = next.cron !== schedule.cron || next.time_zone !== schedule.time_zone;
      if (isMoved) firstTime(next, this.#clock.now());
      return isMoved && next.status === "active" ? this.#timed(next) : next;
    });
  }

  pause(scheduleId: string, asker: Asker): Promise<Schedule> {
    return this.#change(scheduleId, asker, ({ next_at: _n, ...schedule }) => ({
      ...schedule,
      status: "paused",
    }));
  }

  /** Times that passed while it was paused are not missed. */
  resume(scheduleId: string, asker: Asker): Promise<Schedule> {
    return this.#change(scheduleId, asker, (schedule) =>
      schedule.status === "active" ? schedule : this.#timed({ ...schedule, status: "active" }),
    );
  }

  async delete(scheduleId: string, asker: Asker): Promise<void> {
    requireOwner(await this.get(scheduleId), asker, "schedule");
    await this.#records.write({ ...keyOf(scheduleId), kind: "delete", guards: [] });
  }

  /** Its time was served: the next one comes. Nothing when another process has recorded that already. */
  async served(known: Schedule, last: NonNullable<Schedule["last"]>): Promise<void> {
    await this.#unlessGone(
      this.#change(known.schedule_id, {}, (schedule) =>
        schedule.revision === known.revision ? this.#timedOrStopped({ ...schedule, last }) : schedule,
      ),
    );
  }

  /**
   * What was decided while a clock was more than `aheadMs` ahead is decided again: it would wait as long as the clock
   * was ahead.
   */
  async retime(aheadMs: number): Promise<void> {
    const now = this.#clock.now();
    for (let cursor: string | undefined; ; ) {
      const page = await this.#records.query({ index: "gsi1", pk: DUE, limit: 100, cursor });
      for (const known of readable(page.items)) {
        if (known.next_at === undefined || !this.#isBeyond(known, known.next_at, now + aheadMs)) continue;
        await this.#unlessGone(
          this.#change(known.schedule_id, {}, (schedule) =>
            schedule.revision === known.revision ? this.#timedOrStopped(schedule) : schedule,
          ),
        );
      }
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** A build was started by hand. */
  async ranNow(scheduleId: string, last: NonNullable<Schedule["last"]>): Promise<Schedule> {
    return await this.#change(scheduleId, {}, (schedule) => ({ ...schedule, last }));
  }

  /** A schedule may be deleted meanwhile. */
  async #unlessGone(change: Promise<unknown>): Promise<void> {
    try {
      await change;
    } catch (error) {
      if (!isStagefoldError(error, "SCHEDULE_NOT_FOUND")) throw error;
    }
  }

  /** Whether a time comes later than the first one after `from`, or there is none that this Node can tell. */
  #isBeyond({ cron, time_zone }: Schedule, at: string, from: number): boolean {
    try {
      const latest = nextTime(cron, time_zone, from);
      return latest !== undefined && at > latest;
    } catch (error) {
      if (isStagefoldError(error, "INVALID_INPUT")) return true;
      throw error;
    }
  }

  /**
   * A schedule that this Node cannot time, as one with a zone that another version knows, says so and has no next time:
   * it keeps no other from coming.
   */
  #timedOrStopped(schedule: Schedule): Schedule {
    try {
      return this.#timed(schedule);
    } catch (error) {
      if (!isStagefoldError(error, "INVALID_INPUT")) throw error;
      const { next_at: _n, last = { at: toTime(this.#clock.now()) }, ...rest } = schedule;
      return { ...rest, last: { ...last, error: error.message.slice(0, MAX_ERROR) } };
    }
  }

  #timed({ next_at: _n, ...schedule }: Schedule): Schedule {
    const next_at = nextTime(schedule.cron, schedule.time_zone, this.#clock.now());
    return { ...schedule, ...(next_at !== undefined && { next_at }) };
  }

  /** `decide` gives the same schedule where nothing changes. */
  async #change(scheduleId: string, asker: Asker, decide: (known: Schedule) => Schedule): Promise<Schedule> {
    const key = keyOf(scheduleId);
    const { ok, item } = await optimisticRecordWrite(this.#records, {
      stored: await this.#records.get(key),
      decide: (stored) => {
        const known = scheduleOf(stored);
        if (!known) throw notFound(scheduleId);
        requireOwner(known, asker, "schedule");
        const next = decide(known);
        return next === known ? undefined : patchOf(known, next);
      },
      isOwnWrite: () => false,
      maxRetries: 5,
    });
    if (ok) this.#notify();
    const schedule = scheduleOf(item);
    if (!schedule) throw notFound(scheduleId);
    return schedule;
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The change under the revision that it was decided from. */
function patchOf(known: Schedule, next: Schedule): RecordPatch {
  const schedule = { ...next, revision: known.revision + 1 };
  const indexes: Readonly<Record<string, string | undefined>> = indexesOf(schedule);
  const edits = ["gsi1_pk", "gsi1_sk"].map((name): Edit => {
    const value = indexes[name];
    return value === undefined ? { op: "remove", path: [name] } : { op: "set", path: [name], value };
  });
  return {
    ...keyOf(known.schedule_id),
    kind: "update",
    guards: [{ path: ["listed", "revision"], is: "equals", value: known.revision }],
    edits: [{ op: "set", path: ["listed"], value: schedule }, ...edits],
  };
}

/** Made where no caller is asked who it is: such a schedule is this machine's user too. All others act as members. */
export function isOfMachine({ created_by }: Pick<Schedule, "created_by">, asksCallers: boolean): boolean {
  return !asksCallers && created_by === undefined;
}

/** The build of a schedule: the same `key` makes the same one. */
export function buildOf({ build, user_id }: Schedule, key: string): z.output<typeof createProjectSchema> {
  return { ...build, ...(user_id !== undefined && { user_id }), idempotency_key: key };
}

function notFound(scheduleId: string): StagefoldError<"SCHEDULE_NOT_FOUND"> {
  return new StagefoldError("SCHEDULE_NOT_FOUND", `There is no schedule ${scheduleId}.`, {
    schedule_id: scheduleId,
  });
}

function keyOf(scheduleId: string) {
  return { pk: `schedule#${scheduleId}`, sk: "schedule" };
}

/** Errors: INVALID_INPUT, also for a pattern that never comes. */
function firstTime({ cron, time_zone }: Pick<Schedule, "cron" | "time_zone">, now: number): string {
  const first = nextTime(cron, time_zone, now);
  if (first !== undefined) return first;
  throw invalidInput(`The schedule cannot be taken: no day is ever one of its pattern (${cron}).`, [
    "cron: expected a pattern that comes, such as 30 7 * * 1-5",
  ]);
}

/** `~` sorts behind every id, so that all of one moment are before it. */
function indexesOf({ schedule_id, next_at, created_at }: Schedule) {
  return {
    gsi2_pk: ALL,
    gsi2_sk: `${created_at}#${schedule_id}`,
    ...(next_at !== undefined && { gsi1_pk: DUE, gsi1_sk: `${next_at}#${schedule_id}` }),
  };
}

function scheduleOf(item: Item | undefined): Schedule | undefined {
  return scheduleSchema.safeParse(item?.listed).data;
}

/** A damaged record is left out: the others are listed, and served. */
function readable(items: readonly Item[]): Schedule[] {
  return items.flatMap((item) => scheduleOf(item) ?? []);
}
