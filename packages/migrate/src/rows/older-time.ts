import { toTime } from "@stagefold/core";

/** A time as older platforms wrote it. */
export interface OlderTime {
  /** The stored form, to the millisecond. */
  readonly at: string;
  /** Sorts by the time as it was written, to the nanosecond. */
  readonly order: string;
}

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?\s*((?:Z|[+-]\d{2}:?\d{2})*))?$/;
/** Epoch numbers of this platform's life: seconds above one bound, milliseconds above the other. */
const [SECONDS, MILLISECONDS] = [1e8, 1e11];

/** Undefined for what is no time. Without a zone it is UTC: that is what those platforms wrote. */
export function olderTime(value: unknown): OlderTime | undefined {
  if (typeof value === "number") return epochTime(value);
  if (typeof value !== "string") return undefined;
  const match = ISO.exec(value.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = ""] = match;
  const whole = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`);
  if (!Number.isFinite(whole)) return undefined;
  return timeOf(whole - offsetOf(zone), fraction);
}

/** The time in a ULID, such as the ids of messages of the second generation. */
export function ulidTime(id: string): OlderTime | undefined {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i.test(id)) return undefined;
  const digits = [...id.slice(0, 10).toUpperCase()].map((char) => CROCKFORD.indexOf(char));
  return epochTime(digits.reduce((sum, digit) => sum * 32 + digit, 0));
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function epochTime(value: number): OlderTime | undefined {
  if (!(value >= SECONDS) || value > 1e14) return undefined;
  const ms = value >= MILLISECONDS ? value : value * 1000;
  return timeOf(Math.floor(ms / 1000) * 1000, String(Math.round(ms % 1000)).padStart(3, "0"));
}

/** `+08:00`; one of them wrote `+00:00Z`. */
function offsetOf(zone: string): number {
  const [, sign, hours, minutes] = /([+-])(\d{2}):?(\d{2})/.exec(zone) ?? [];
  if (sign === undefined) return 0;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

function timeOf(seconds: number, fraction: string): OlderTime | undefined {
  const ms = seconds + Number(fraction.slice(0, 3).padEnd(3, "0"));
  if (!(ms >= 0 && ms < 253_402_300_800_000)) return undefined;
  return { at: toTime(ms), order: `${toTime(seconds).slice(0, 19)}.${fraction.slice(0, 9).padEnd(9, "0")}` };
}
