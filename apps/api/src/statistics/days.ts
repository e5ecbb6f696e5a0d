import { z } from "zod";

const DAY_MS = 86_400_000;
/** Every zone has begun its days on a quarter of an hour of UTC since 1972: they are asked for once. */
const QUARTER_MS = 900_000;
const QUARTERS = DAY_MS / QUARTER_MS;

/** A time zone of the IANA database, such as `Asia/Shanghai`. */
export const timeZoneSchema = z
  .string()
  .min(1)
  .max(64)
  .refine(isTimeZone, "expected a time zone such as Europe/Berlin or UTC");

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The date, `YYYY-MM-DD`, that a time falls on in a time zone. */
export function dateIn(timeZone: string): (epochMs: number) => string {
  // Only Intl knows when a zone changed its offset: asked for each time, no day is an hour off.
  const format = new Intl.DateTimeFormat("en", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  const at = (quarter: number) => written(format, quarter * QUARTER_MS);
  const known = new Map<number, readonly Change[]>();
  return (epochMs) => {
    const day = Math.floor(epochMs / DAY_MS);
    const changes = known.get(day) ?? changesWithin(day, at);
    known.set(day, changes);
    const quarter = Math.floor(epochMs / QUARTER_MS);
    return changes.findLast(({ from }) => from <= quarter)?.date ?? at(quarter);
  };
}

/** From this quarter of an hour on it is this date. */
interface Change {
  readonly from: number;
  readonly date: string;
}

/** The dates of a day of UTC: Intl is slow, and asked for no more quarters than it takes to find where the date changes. */
function changesWithin(day: number, at: (quarter: number) => string): readonly Change[] {
  const first = day * QUARTERS;
  const changes: Change[] = [{ from: first, date: at(first) }];
  const search = (low: number, lowDate: string, high: number, highDate: string): void => {
    if (lowDate === highDate) return;
    if (high - low === 1) {
      changes.push({ from: high, date: highDate });
      return;
    }
    const middle = Math.floor((low + high) / 2);
    const date = at(middle);
    search(low, lowDate, middle, date);
    search(middle, date, high, highDate);
  };
  const last = first + QUARTERS - 1;
  search(first, at(first), last, at(last));
  return changes;
}

function written(format: Intl.DateTimeFormat, epochMs: number): string {
  const parts = new Map(format.formatToParts(epochMs).map(({ type, value }) => [type, value]));
  return `${parts.get("year")?.padStart(4, "0")}-${parts.get("month")}-${parts.get("day")}`;
}

/** The last `days` dates in a time zone, today last, and a time that none of them begins before. */
export function lastDates(
  days: number,
  timeZone: string,
  nowMs: number,
): { dates: string[]; notBefore: number } {
  const today = Date.parse(`${dateIn(timeZone)(nowMs)}T00:00:00.000Z`);
  const dates = Array.from({ length: days }, (_, i) =>
    new Date(today - (days - 1 - i) * DAY_MS).toISOString().slice(0, 10),
  );
  // No zone is a day ahead of UTC.
  return { dates, notBefore: today - days * DAY_MS };
}
