import { expect, it } from "vitest";
import { createProjectSchema } from "./inputs.ts";
import { givenTimeSchema, timeSchema } from "./time.ts";

const issuesOf = (text: unknown) =>
  givenTimeSchema.safeParse(text).error?.issues.map(({ message }) => message);

it("a time that is given is of a day in the calendar; one that is stored stays readable", () => {
  for (const time of ["2028-02-29T00:00:00.000Z", "1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
    expect(issuesOf(time)).toBeUndefined();
  const noDay = "2030-02-30T00:00:00.000Z";
  expect(issuesOf(noDay)).toEqual(["expected a day that is in the calendar"]);
  expect(timeSchema.safeParse(noDay).success).toBe(true);
  expect(createProjectSchema.safeParse({ requirement: "r", start_at: noDay }).error?.issues).toMatchObject([
    { path: ["start_at"] },
  ]);
});

it("what is no time at all is refused once, with what was expected", () => {
  for (const text of ["2030", "tomorrow", "2030-13-01T00:00:00.000Z", ""])
    expect(issuesOf(text)?.every((issue) => issue.startsWith("expected a time such as"))).toBe(true);
});
