import { randomBytes } from "node:crypto";
import { type Clock, cursorsOf, invalidInput, type RecordStore, toTime } from "@stagefold/core";
import { z } from "zod";
import type { Principal } from "./principal.ts";

/** How long a row is kept. */
export const AUDIT_DAYS = 90;
const DAY_MS = 24 * 60 * 60 * 1000;

/** One mutation, or one refusal by role: who asked for what, of which build, from where, and how it ended. */
export const auditRowSchema = z.object({
  at: z.string(),
  by: z.string(),
  role: z.string(),
  procedure: z.string(),
  project_id: z.string().optional(),
  /** The address of the caller. */
  from: z.string().optional(),
  /** `ok`, or the code of the error. */
  result: z.string(),
});
export type AuditRow = z.output<typeof auditRowSchema>;

/** A row as it is added. */
export type NewAuditRow = Omit<AuditRow, "at">;

/** Where rows go; none without `auth`. */
export interface AuditSink {
  readonly auth?: { readonly audit: AuditLog } | undefined;
  /** Called with a row that could not be kept. */
  readonly onAuditError?: ((row: NewAuditRow, error: unknown) => void) | undefined;
}

/** What is done is done: its caller is not told that it failed because the log of it did. */
export async function audited({ auth, onAuditError }: AuditSink, row: NewAuditRow): Promise<void> {
  await auth?.audit.add(row).catch((error: unknown) => onAuditError?.(row, error));
}

/** Who asks, as a request knows it. */
interface AuditedCaller extends AuditSink {
  readonly principal: Principal;
  readonly address?: string | undefined;
}

/** The row of a call, or of one build of a call that acts on several. */
export async function auditedCall(
  caller: AuditedCaller,
  done: Pick<NewAuditRow, "procedure" | "project_id" | "result">,
): Promise<void> {
  const { principal, address } = caller;
  await audited(caller, { by: principal.id, role: principal.role, from: address, ...done });
}

const placeSchema = z.object({ day: z.iso.date(), inner: z.string().nullable() });

/** Rows by day, which the store itself removes after a while. */
export class AuditLog {
  readonly #records: RecordStore;
  readonly #clock: Clock;

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  async add(row: NewAuditRow): Promise<void> {
    const now = this.#clock.now();
    const at = toTime(now);
    const key = { pk: partitionOf(at), sk: `${at}#${randomBytes(4).toString("hex")}` };
    const expires_at = Math.ceil((now + AUDIT_DAYS * DAY_MS) / 1000);
    const present = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
    await this.#records.write({
      ...key,
      kind: "put",
      guards: [],
      item: { ...key, at, ...present, expires_at },
    });
  }

  /** Newest first, day by day. Errors: INVALID_INPUT for a cursor that no page gave. */
  async list(limit: number, cursor?: string): Promise<{ items: AuditRow[]; next_cursor: string | null }> {
    const cursors = await cursorsOf(["audit"], placeSchema);
    const now = this.#clock.now();
    const oldest = dayOf(toTime(now - AUDIT_DAYS * DAY_MS));
    let place: z.output<typeof placeSchema> =
      cursor === undefined ? { day: dayOf(toTime(now)), inner: null } : cursors.decode(cursor);
    // Each day is a query: a list that began thousands of years ahead would not come to its end. One day more than today
    // is what another API gave whose clock is ahead.
    if (place.day > dayOf(toTime(now + DAY_MS)))
      throw invalidInput("The cursor is of a day that is yet to come.", ["cursor"]);
    const items: AuditRow[] = [];
    while (place.day >= oldest) {
      const page = await this.#records.query({
        pk: `audit#${place.day}`,
        newestFirst: true,
        limit: limit - items.length,
        cursor: place.inner ?? undefined,
      });
      for (const item of page.items) {
        const row = auditRowSchema.safeParse(item);
        if (row.success) items.push(row.data);
      }
      place =
        page.next === undefined ? { day: dayBefore(place.day), inner: null } : { ...place, inner: page.next };
      if (items.length >= limit)
        return { items, next_cursor: place.day < oldest ? null : cursors.encode(place) };
    }
    return { items, next_cursor: null };
  }
}

function partitionOf(at: string): string {
  return `audit#${dayOf(at)}`;
}

function dayOf(at: string): string {
  return at.slice(0, 10);
}

function dayBefore(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00.000Z`) - DAY_MS).toISOString().slice(0, 10);
}
