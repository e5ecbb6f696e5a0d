import { invalidInput, toTime } from "@stagefold/core";
import { Cron } from "croner";

/**
 * The first time of a cron pattern after `after` (epoch milliseconds); undefined when there is none. A time that the
 * clock leaves out in spring comes at the end of the gap, one that it has twice in autumn comes once. A pattern with `*`
 * or a step in its minute or hour means intervals: these continue as they are, so in spring what is left out does not
 * come, and in autumn the hour that is there twice has its times twice.
 * Errors: INVALID_INPUT for a pattern that is not one of five fields, or an unknown time zone.
 */
export function nextTime(cron: string, timeZone: string, after: number): string | undefined {
  requireTimeZone(timeZone);
  let pattern: Cron;
  try {
    pattern = new Cron(cron, {
      timezone: timeZone,
      paused: true,
      mode: "5-part",
      // Lists and ranges are times of the clock too, such as `0 2,14 * * *`.
      fixedTimeRule: "no-wildcard",
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalidInput(`The schedule cannot be taken: cron is not a pattern of five fields (${why}).`, [
      "cron: expected minute, hour, day of month, month and day of week, such as 30 7 * * 1-5",
    ]);
  }
  const next = pattern.nextRun(new Date(after));
  return next === null ? undefined : toTime(next.getTime());
}

/** The times after `after`, at most `count`. Errors: as for `nextTime`. */
export function nextTimes(cron: string, timeZone: string, after: number, count: number): string[] {
  const times: string[] = [];
  for (let at = after; times.length < count; ) {
    const next = nextTime(cron, timeZone, at);
    if (next === undefined) break;
    times.push(next);
    at = Date.parse(next);
  }
  return times;
}

function requireTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw invalidInput(`The schedule cannot be taken: there is no time zone ${timeZone}.`, [
      "time_zone: expected a name such as Europe/Berlin or UTC",
    ]);
  }
}
