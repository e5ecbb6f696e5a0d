import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { field, jsonOrText, limit, readInput, readText, timeAgo, timeFromNow } from "./options.ts";

const around = (stdin: string) => ({ stdin: Readable.from([stdin]), signal: new AbortController().signal });

it("a time whose unit was forgotten, or of no day in the calendar, is not guessed at", () => {
  for (const text of ["45", "2026", "0", "", "2026-02-30", "2026-02-30T10:00:00Z", "May 1", "1/2/2026", "90"])
    for (const read of [timeAgo, timeFromNow])
      expect(() => read(text), text).toThrow("expected a time such as");
  for (const text of ["99999999d", "999999999999d"])
    expect(() => timeAgo(text), text).toThrow("expected a time");
});

it("a time is a day, a time of one, or how long from now", () => {
  expect(timeAgo("2026-05-01")).toBe("2026-05-01T00:00:00.000Z");
  expect(timeAgo("2028-02-29T10:00:00Z")).toBe("2028-02-29T10:00:00.000Z");
  expect(timeFromNow("2026-05-01T23:30:00.5+02:00")).toBe("2026-05-01T21:30:00.500Z");
  expect(timeFromNow("2026-05-01T10:00")).toMatch(/^2026-0/);
  expect(Date.parse(timeAgo("90m")) - Date.now()).toBeCloseTo(-90 * 60_000, -4);
  expect(Date.parse(timeFromNow("2d")) - Date.now()).toBeCloseTo(2 * 86_400_000, -4);
});

it("a number that JSON would change is refused, not sent as another one", async () => {
  const long = "12345678901234567890";
  for (const json of [long, `{"id":${long}}`]) expect(() => jsonOrText(json)).toThrow("send it as text");
  expect(() => field(`id=${long}`, undefined)).toThrow(`found ${long}`);
  expect(() => limit(`tokens=${long}`, undefined)).toThrow("send it as text");
  await expect(readInput(around(`{"id":${long}}`), "-", undefined)).rejects.toThrow("send it as text");
  expect(jsonOrText(`"${long}"`)).toBe(long);
  expect(jsonOrText(`no. ${long}`)).toBe(`no. ${long}`);
});

it("- is the input that the command was given, and Ctrl-C ends the reading of it", async () => {
  expect(await readText(around("文\n"), "-")).toBe("文\n");
  const interrupted = new AbortController();
  const never = new Readable({ read: () => undefined });
  const reading = readText({ stdin: never, signal: interrupted.signal }, "-");
  interrupted.abort();
  await expect(reading).rejects.toThrow("cannot read -");
  const folder = await mkdtemp(join(tmpdir(), "stagefold-options-"));
  try {
    await writeFile(join(folder, "a"), "text");
    expect(await readText(around(""), join(folder, "a"))).toBe("text");
    await expect(readText(around(""), join(folder, "none"))).rejects.toThrow(/cannot read .*ENOENT/);
    await expect(readText(around(""), folder)).rejects.toThrow(/cannot read .*EISDIR/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
