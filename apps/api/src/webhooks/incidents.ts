import { type Clock, type Edit, optimisticRecordWrite, type RecordStore, toTime } from "@stagefold/core";
import { z } from "zod";
import type { EventType, WebhookEvent } from "./events.ts";

const incidentSchema = z.object({
  since: z.string(),
  opened_at: z.string(),
  until: z.string().optional(),
  detail: z.string(),
});
type Incident = z.output<typeof incidentSchema>;
const recordSchema = z.object({ incident: incidentSchema });

/** What may be wrong with the deployment, with the events of its begin and its end. */
export interface Watched {
  /** What ids and order of its events begin with. */
  readonly subject: "queue" | "workers";
  readonly begin: EventType;
  readonly end: EventType;
  /** How long it must have been wrong, as this process saw it, before it is one. Milliseconds. */
  readonly holdMs: number;
}

/**
 * Incidents as records, the last one of each kind. Every API process looks by itself and decides on the record, so that
 * an incident is opened and closed once; its events have ids of their own, and every process puts them into the outbox.
 */
export class Incidents {
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #monotonic: () => number;
  /** Since when this process has seen it wrong at every look, by the monotonic clock. */
  readonly #wrongSince = new Map<string, number>();

  constructor(records: RecordStore, clock: Clock, monotonic = () => performance.now()) {
    this.#records = records;
    this.#clock = clock;
    this.#monotonic = monotonic;
  }

  /** `detail` says what is wrong now; undefined: nothing. Gives the events of the last incident. */
  async observe(watched: Watched, detail: string | undefined): Promise<WebhookEvent[]> {
    const { subject, holdMs } = watched;
    const now = this.#monotonic();
    const key = { pk: `incident#${subject}`, sk: "incident" };
    if (detail === undefined) this.#wrongSince.delete(subject);
    else if (!this.#wrongSince.has(subject)) this.#wrongSince.set(subject, now);
    const wrongMs = now - (this.#wrongSince.get(subject) ?? now);
    const { item } = await optimisticRecordWrite(this.#records, {
      stored: await this.#records.get(key),
      decide: (stored) => {
        const known = recordSchema.safeParse(stored).data?.incident;
        const next = this.#next(known, detail, wrongMs, holdMs);
        if (next === undefined) return undefined;
        if (stored === undefined)
          return { ...key, kind: "put", guards: [], item: { ...key, incident: next } };
        const edits: Edit[] = [{ op: "set", path: ["incident"], value: next }];
        // A record that cannot be read is replaced.
        if (!known) return { ...key, kind: "update", guards: [], edits };
        const guards = [
          { path: ["incident", "since"], is: "equals", value: known.since } as const,
          known.until === undefined
            ? ({ path: ["incident", "until"], is: "absent" } as const)
            : ({ path: ["incident", "until"], is: "equals", value: known.until } as const),
        ];
        return { ...key, kind: "update", guards, edits };
      },
      isOwnWrite: () => false,
    });
    const incident = recordSchema.safeParse(item).data?.incident;
    return incident ? eventsOf(watched, incident) : [];
  }

  #next(
    known: Incident | undefined,
    detail: string | undefined,
    wrongMs: number,
    holdMs: number,
  ): Incident | undefined {
    const now = this.#clock.now();
    const isOpen = known !== undefined && known.until === undefined;
    if (isOpen) return detail === undefined ? { ...known, until: toTime(now) } : undefined;
    if (detail === undefined || wrongMs < holdMs) return undefined;
    return { since: toTime(now - wrongMs), opened_at: toTime(now), detail };
  }
}

function eventsOf({ subject, begin, end }: Watched, incident: Incident): WebhookEvent[] {
  const { since, opened_at, until } = incident;
  const { until: _u, ...opened } = incident;
  const event = (type: EventType, order: string, at: string, data: Incident): WebhookEvent => ({
    id: `${subject}.${since}${type.slice(subject.length)}`,
    type,
    order: `${subject}#${since}#${order}`,
    at,
    data: { incident: data },
  });
  const begun = event(begin, "1", opened_at, opened);
  return until === undefined ? [begun] : [begun, event(end, "9", until, incident)];
}
