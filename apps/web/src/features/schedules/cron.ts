import type { Lang } from "../../i18n/define-messages.ts";
import { localeOf } from "../../lib/format.ts";

/** How often a schedule comes, in the ways that people say it. What none of them says is a pattern. */
export const RHYTHMS = ["hourly", "daily", "weekdays", "weekly", "monthly", "pattern"] as const;
export type Rhythm = (typeof RHYTHMS)[number];

export interface Times {
  readonly rhythm: Rhythm;
  /** `07:30`; of an hourly one the minute counts. */
  readonly time: string;
  /** Of a weekly one: 0 is Sunday. */
  readonly day: string;
  /** Of a monthly one: the day of the month, 1 to 31. A month that has no such day is left out. */
  readonly date: string;
  /** Five fields of cron, as typed. */
  readonly pattern: string;
}

const CRON = /^(\d{1,2}) (\*|\d{1,2}) (\*|[1-9]|[12]\d|3[01]) \* (\*|1-5|[0-6])$/;

/** The times of a pattern, by the rhythm that it has. */
export function timesOf(cron: string): Times {
  const pattern = cron.trim().replace(/\s+/g, " ");
  const [, minute = "0", hour = "0", date = "*", days = "*"] = CRON.exec(pattern) ?? [];
  const time = `${(hour === "*" ? "0" : hour).padStart(2, "0")}:${minute.padStart(2, "0")}`;
  const rhythm = rhythmOf(pattern, { hour, date, days });
  const isTime = Number(minute) < 60 && (hour === "*" || Number(hour) < 24);
  return {
    rhythm: isTime ? rhythm : "pattern",
    time,
    day: /^[0-6]$/.test(days) ? days : "1",
    date: date === "*" ? "1" : date,
    pattern,
  };
}

interface Parts {
  readonly hour: string;
  readonly date: string;
  readonly days: string;
}

function rhythmOf(pattern: string, { hour, date, days }: Parts): Rhythm {
  if (!CRON.test(pattern)) return "pattern";
  if (date !== "*") return hour !== "*" && days === "*" ? "monthly" : "pattern";
  if (hour === "*") return days === "*" ? "hourly" : "pattern";
  if (days === "*") return "daily";
  return days === "1-5" ? "weekdays" : "weekly";
}

/** The pattern of the times; empty where there is none yet. */
export function cronOf({ rhythm, time, day, date, pattern }: Times): string {
  const [hour = "0", minute = "0"] = time.split(":");
  const at = `${Number(minute)} ${Number(hour)}`;
  switch (rhythm) {
    case "hourly":
      return `${Number(minute)} * * * *`;
    case "daily":
      return `${at} * * *`;
    case "weekdays":
      return `${at} * * 1-5`;
    case "weekly":
      return `${at} * * ${day}`;
    case "monthly":
      return `${at} ${date} * *`;
    case "pattern":
      return pattern.trim();
    default:
      return rhythm satisfies never;
  }
}

/** What the days of the week are called, Sunday first. */
export function dayNames(lang: Lang): string[] {
  const format = new Intl.DateTimeFormat(localeOf(lang), { weekday: "long", timeZone: "UTC" });
  // The 4th of January 1970 was a Sunday.
  return Array.from({ length: 7 }, (_, day) => format.format((3 + day) * 86_400_000));
}
