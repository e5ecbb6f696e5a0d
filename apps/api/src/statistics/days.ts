import { z } from "zod";

const DAY_MS = 86_400_000;
/** Every zone has begun its days on a quarter of an hour of UTC since 1972: they are asked for once. */
const QUARTER_MS = 900_000;

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
  const known = new Map<number, string>();
  return (epochMs) => {
    const quarter = Math.floor(epochMs / QUARTER_MS);
    const date = known.get(quarter) ?? written(format, quarter * QUARTER_MS);
    known.set(quarter, date);
    return date;
  };
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
