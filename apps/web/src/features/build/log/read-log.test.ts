import { describe, expect, it } from "vitest";
import { LogBuffer } from "./buffer.ts";
import { type LogPage, type LogSource, type LogState, readLog } from "./read-log.ts";

const page = (lines: readonly string[], next_cursor: string | null): LogPage => ({
  items: lines.map((text) => ({ text })),
  next_cursor,
});

class Away extends Error {}

/** Answers each call with the next of its answers. */
function source(answers: readonly (LogPage | Error)[]) {
  const asked: (string | undefined)[] = [];
  const waits: number[] = [];
  const made: LogSource = {
    ask: async (cursor) => {
      const next = answers[asked.length];
      asked.push(cursor);
      if (next === undefined) throw new Error("asked too often");
      if (next instanceof Error) throw next;
      return next;
    },
    wait: async (failures) => {
      waits.push(failures);
    },
    mayPass: (error) => error instanceof Away,
  };
  return { made, asked, waits };
}

async function read(answers: readonly (LogPage | Error)[]) {
  const buffer = new LogBuffer();
  const states: LogState[] = [];
  const { made, asked, waits } = source(answers);
  const outcome = readLog(made, buffer, (state) => states.push(state));
  const error = await outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { lines: buffer.parts().join(""), states, asked, waits, error };
}

describe("readLog", () => {
  it("reads page by page and stops when no more can come", async () => {
    const { lines, states, asked, waits } = await read([page(["a", "b"], "1"), page(["c"], null)]);
    expect(lines).toBe("a\nb\nc\n");
    expect(asked).toEqual([undefined, "1"]);
    expect(states).toEqual(["reading", "over"]);
    expect(waits).toEqual([]);
  });

  it("waits at the end of a log that still grows, and continues where it was", async () => {
    const { lines, states, asked, waits } = await read([
      page(["a"], "1"),
      page([], "1"),
      page([], "1"),
      page(["b"], "2"),
      page([], null),
    ]);
    expect(lines).toBe("a\nb\n");
    expect(asked).toEqual([undefined, "1", "1", "1", "2"]);
    expect(states).toEqual(["reading", "following", "following", "over"]);
    expect(waits).toEqual([0, 0]);
  });

  it("asks the same page again after failures that pass, and loses nothing", async () => {
    const { lines, asked, states, waits } = await read([
      page(["a"], "1"),
      new Away(),
      new Away(),
      page(["b"], null),
    ]);
    expect(lines).toBe("a\nb\n");
    expect(asked).toEqual([undefined, "1", "1", "1"]);
    expect(states).toEqual(["reading", "away", "away", "over"]);
    expect(waits).toEqual([1, 2]);
  });

  it("shows a line that has not ended, puts its pieces together, and rewrites one in its place", async () => {
    const seen: string[] = [];
    const buffer = new LogBuffer();
    buffer.subscribe(() => seen.push(buffer.parts().join("|").replaceAll("\n", "")));
    const items = [
      [{ text: "one" }, { text: "10 %", end: "\r" as const }],
      [{ text: "20 %", end: "\r" as const }],
      [{ text: "done" }, { text: "asks: ", end: "" as const }],
      [{ text: "answered" }],
    ];
    const pages = items.map((page, i) => ({ items: page, next_cursor: i < 3 ? String(i) : null }));
    await readLog(source(pages).made, buffer, () => undefined);
    expect(seen).toEqual(["one|10 %", "one|20 %", "one|done|asks: ", "one|done|asks: answered"]);
    expect([buffer.length, buffer.plain(2)]).toEqual([3, "asks: answered"]);
  });

  it("ends with any other failure", async () => {
    const refused = new Error("no such stage");
    expect(await read([refused])).toMatchObject({ error: refused, asked: [undefined] });
  });
});
