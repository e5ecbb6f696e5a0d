import { expect, test } from "vitest";
import { cronOf, dayNames, timesOf } from "./cron.ts";

test.each([
  ["5 * * * *", "hourly", "00:05"],
  ["30 7 * * *", "daily", "07:30"],
  ["0 22 * * 1-5", "weekdays", "22:00"],
  ["15  9 * * 0", "weekly", "09:15"],
  ["0 7 31 * *", "monthly", "07:00"],
])("%s is %s, and comes back as it was", (cron, rhythm, time) => {
  const times = timesOf(cron);
  expect(times).toMatchObject({ rhythm, time });
  expect(cronOf(times)).toBe(cron.replace(/\s+/g, " "));
});

test.each([
  "*/5 * * * *",
  "0 7 0 * *",
  "0 7 32 * *",
  "0 7 1 * 1",
  "0 * 1 * *",
  "0 7 1 6 *",
  "0 * * * 1-5",
  "61 7 * * *",
  "0 25 * * *",
  "0 7 * * MON",
  "nonsense",
])("%s is a pattern, and stays as it was typed", (cron) => {
  expect(timesOf(cron).rhythm).toBe("pattern");
  expect(cronOf(timesOf(cron))).toBe(cron);
});

test("the days of the week begin with Sunday", () => {
  expect([dayNames("en")[0], dayNames("en")[1], dayNames("zh")[6]]).toEqual(["Sunday", "Monday", "星期六"]);
});
