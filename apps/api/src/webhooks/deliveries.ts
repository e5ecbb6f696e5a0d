import {
  type Clock,
  cursorsOf,
  type Edit,
  type Item,
  optimisticRecordWrite,
  type Page,
  type RecordStore,
  StagefoldError,
  toTime,
} from "@stagefold/core";
import { z } from "zod";
import { eventDataSchema, eventTypeSchema, type WebhookEvent } from "./events.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long an event is tried, and how long its record is kept. */
const TRIED_MS = DAY_MS;
const KEPT_MS = 8 * DAY_MS;
/** What a process that sends gets, before another one sends the same again. */
const LEASE_MS = 30_000;
/** The wait after the first failure, the second, …; then the last one again and again. Milliseconds. */
const WAITS_MS = [5, 15, 60, 180, 300].map((seconds) => seconds * 1000);
/** How soon it is looked again whether the event before this one was sent. Milliseconds. */
const RECHECK_MS = 250;
/** No event waits this long: its time was decided while a clock was ahead. Milliseconds. */
const AHEAD_MS = 60 * 60 * 1000;
const DUE = "deliveries#due";

/** An event on its way to one webhook, as it is shown. */
export const deliverySchema = z.object({
  /** Of the event: what receivers see as `webhook-id`. */
  event_id: z.string(),
  webhook_id: z.string(),
  /** Of events of a build. */
  project_id: z.string().optional(),
  type: eventTypeSchema,
  /** `sending`: a process is about to, or has died over it; `next_at` says when it is tried again. */
  status: z.enum(["pending", "sending", "delivered", "failed"]),
  attempts: z.number().int(),
  created_at: z.string(),
  next_at: z.string().optional(),
  last_at: z.string().optional(),
  /** What the receiver answered to the last attempt, or why there was no answer. */
  last_status: z.number().int().optional(),
  last_error: z.string().optional(),
});
export type Delivery = z.output<typeof deliverySchema>;

const recordSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  listed: deliverySchema,
  data: eventDataSchema,
  tried_until: z.number(),
});
export type DeliveryRecord = z.output<typeof recordSchema>;

export type Attempt = { readonly status: number } | { readonly error: string };

/**
 * The outbox: one record for each event and webhook. It is put under the event's id, so that processes which see the same
 * event make one record, and it stays as the log of what was delivered.
 */
export class Deliveries {
  readonly #records: RecordStore;
  readonly #clock: Clock;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** False when the event is in the outbox already. */
  async add(webhookId: string, event: WebhookEvent): Promise<boolean> {
    const now = this.#clock.now();
    const { data, type } = event;
    const delivery: Delivery = {
      event_id: event.id,
      webhook_id: webhookId,
      ...(data.project && { project_id: data.project.project_id }),
      type,
      status: "pending",
      attempts: 0,
      created_at: toTime(now),
      next_at: toTime(now),
    };
    const key = { pk: partitionOf(webhookId), sk: `${event.order}#${event.id}` };
    const item: Item = {
      ...key,
      data,
      tried_until: now + TRIED_MS,
      expires_at: Math.ceil((now + KEPT_MS) / 1000),
      ...dueAt(delivery, key.sk),
      gsi2_pk: partitionOf(webhookId),
      gsi2_sk: `${delivery.created_at}#${event.id}`,
      listed: delivery,
    };
    return (await this.#records.write({ ...key, kind: "put", guards: [], item })).ok;
  }

  /** Newest first. Errors: INVALID_INPUT for a cursor of another list, or of another webhook's. */
  async list(webhookId: string, limit: number, cursor: string | undefined): Promise<Page<Delivery>> {
    const cursors = await cursorsOf(["deliveries", webhookId], z.string());
    const page = await this.#records.query({
      index: "gsi2",
      pk: partitionOf(webhookId),
      newestFirst: true,
      limit,
      cursor: cursor === undefined ? undefined : cursors.decode(cursor),
    });
    const items = page.items.flatMap((item) => listedOf(item) ?? []);
    return { items, next_cursor: page.next === undefined ? null : cursors.encode(page.next) };
  }

  /**
   * Those whose time has come, the longest overdue first, each with the key of its record; from a place in that order, or
   * from the first. One that cannot be read is left out.
   */
  async *due(from?: string): AsyncGenerator<DueDelivery, void, undefined> {
    yield* this.#waiting({ ...(from !== undefined && { from }), to: `${toTime(this.#clock.now())}~` });
  }

  /** What was decided while a clock was ahead is due now: it would wait as long as the clock was ahead. */
  async retime(): Promise<void> {
    const now = this.#clock.now();
    for await (const { key, delivery } of this.#waiting({ from: toTime(now + AHEAD_MS) }))
      await this.#change(key, delivery.attempts, { ...delivery, next_at: toTime(now) });
  }

  async *#waiting(range: {
    readonly from?: string;
    readonly to?: string;
  }): AsyncGenerator<DueDelivery, void, undefined> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.#records.query({ index: "gsi1", pk: DUE, ...range, limit: 100, cursor });
      for (const item of page.items) {
        const delivery = listedOf(item);
        const key = { pk: String(item.pk), sk: String(item.sk) };
        if (delivery) yield { key, delivery, place: String(item.gsi1_sk) };
      }
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  /** When the next one after now is due; undefined when nothing waits for its time. */
  async nextDue(): Promise<string | undefined> {
    const from = `${toTime(this.#clock.now())}~`;
    const { items } = await this.#records.query({ index: "gsi1", pk: DUE, from, limit: 1 });
    return items[0] === undefined ? undefined : String(items[0].gsi1_sk).slice(0, 24);
  }

  /** The earlier event of the same build or incident that is still on its way: it goes first. */
  async earlier({ key }: Pick<DueDelivery, "key">): Promise<Delivery | undefined> {
    const page = await this.#records.query({
      pk: key.pk,
      from: key.sk.slice(0, key.sk.indexOf("#") + 1),
      to: key.sk,
      limit: 100,
    });
    return page.items
      .filter((item) => item.sk !== key.sk)
      .flatMap((item) => listedOf(item) ?? [])
      .find(isWaiting);
  }

  /** Takes the delivery for one attempt; undefined when another process has taken it, or it is over. */
  async take(key: Key, delivery: Delivery): Promise<DeliveryRecord | undefined> {
    return await this.#change(key, delivery.attempts, {
      ...delivery,
      status: "sending",
      attempts: delivery.attempts + 1,
      next_at: toTime(this.#clock.now() + LEASE_MS),
    });
  }

  /** An earlier event of the build goes first: this one waits until then, or until that one is sent. */
  async postpone(key: Key, delivery: Delivery, earlier: Delivery): Promise<void> {
    const soon = toTime(this.#clock.now() + RECHECK_MS);
    const { status, next_at = soon } = earlier;
    const until = status === "sending" || next_at < soon ? soon : next_at;
    await this.#change(key, delivery.attempts, { ...delivery, next_at: until });
  }

  /** Records what came of the attempt for which it was taken. */
  async attempted({ pk, sk, listed, tried_until }: DeliveryRecord, outcome: Attempt): Promise<Delivery> {
    const now = this.#clock.now();
    const { next_at: _n, last_status: _s, last_error: _e, ...rest } = listed;
    const delivered = "status" in outcome && outcome.status >= 200 && outcome.status < 300;
    const wait = WAITS_MS[Math.min(listed.attempts, WAITS_MS.length) - 1] ?? 0;
    const status = delivered ? "delivered" : now + wait > tried_until ? "failed" : "pending";
    const next: Delivery = {
      ...rest,
      status,
      last_at: toTime(now),
      ...("status" in outcome
        ? { last_status: outcome.status }
        : { last_error: outcome.error.slice(0, 300) }),
      ...(status === "pending" && { next_at: toTime(now + wait) }),
    };
    await this.#change({ pk, sk }, listed.attempts, next);
    return next;
  }

  /** Sends an event once more, under its id. Errors: DELIVERY_NOT_FOUND. */
  async replay(webhookId: string, eventId: string): Promise<Delivery> {
    const key = await this.#find(webhookId, eventId);
    const item = key && (await this.#records.get(key));
    const known = item && listedOf(item);
    if (!key || !known) throw notFound(webhookId, eventId);
    const now = this.#clock.now();
    const next: Delivery = { ...known, status: "pending", next_at: toTime(now) };
    const more: Edit[] = [{ op: "set", path: ["tried_until"], value: now + TRIED_MS }];
    const written = await this.#change(key, known.attempts, next, more);
    return written?.listed ?? next;
  }

  async #find(webhookId: string, eventId: string): Promise<Key | undefined> {
    const from = `${eventId.slice(0, eventId.indexOf("."))}#`;
    const { items } = await this.#records.query({
      pk: partitionOf(webhookId),
      from,
      to: `${from}~`,
      limit: 200,
    });
    const item = items.find((one) => listedOf(one)?.event_id === eventId);
    return item && { pk: String(item.pk), sk: String(item.sk) };
  }

  /** Undefined when another process has begun an attempt meanwhile. */
  async #change(
    key: Key,
    attempts: number,
    next: Delivery,
    more: readonly Edit[] = [],
  ): Promise<DeliveryRecord | undefined> {
    const due = dueAt(next, key.sk);
    const edits: Edit[] = [{ op: "set", path: ["listed"], value: next }, ...more];
    for (const name of ["gsi1_pk", "gsi1_sk"] as const)
      edits.push(due ? { op: "set", path: [name], value: due[name] } : { op: "remove", path: [name] });
    const guards = [{ path: ["listed", "attempts"], is: "equals", value: attempts }] as const;
    const { ok, item } = await optimisticRecordWrite(this.#records, {
      decide: (found) =>
        found && listedOf(found)?.attempts !== attempts
          ? undefined
          : { ...key, kind: "update", guards, edits },
      isOwnWrite: () => false,
    });
    return ok ? recordSchema.safeParse(item).data : undefined;
  }
}

export interface DueDelivery {
  readonly key: Key;
  readonly delivery: Delivery;
  /** Among those that are due. */
  readonly place: string;
}

interface Key {
  readonly pk: string;
  readonly sk: string;
}

function partitionOf(webhookId: string): string {
  return `deliveries#${webhookId}`;
}

function isWaiting({ status }: Delivery): boolean {
  return status === "pending" || status === "sending";
}

function dueAt(delivery: Delivery, sk: string) {
  const { next_at } = delivery;
  return isWaiting(delivery) && next_at !== undefined
    ? { gsi1_pk: DUE, gsi1_sk: `${next_at}#${sk}` }
    : undefined;
}

function listedOf(item: Item): Delivery | undefined {
  return deliverySchema.safeParse(item.listed).data;
}

function notFound(webhookId: string, eventId: string): StagefoldError<"WEBHOOK_NOT_FOUND"> {
  return new StagefoldError("WEBHOOK_NOT_FOUND", `There is no event ${eventId} for ${webhookId}.`, {
    webhook_id: webhookId,
  });
}
