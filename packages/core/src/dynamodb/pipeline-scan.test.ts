import { describe, expect, it } from "vitest";
import type { DueWork } from "../ports/project-store.ts";
import { toTime } from "../snapshot/time.ts";
import { PipelineScans, type ReadPage } from "./pipeline-scan.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const row = (n: number, pipeline: string): DueWork => ({
  project_id: `proj_${n.toString(16).padStart(12, "0")}`,
  work_queue: "external#p3#00",
  work_due_at: toTime(START + n),
  pipeline,
});

/** A queue whose pages have so many rows each; counts what is read of it. */
function queue(pageSize = 1000) {
  const rows: DueWork[] = [];
  let nowMs = 0;
  let read = 0;
  const scans = new PipelineScans(() => nowMs);
  const look = (dueBy: number, limit = 20) => {
    const page: ReadPage = async ({ since = "", after }) => {
      const due = rows.filter(
        ({ work_due_at }) => work_due_at >= since && work_due_at <= toTime(START + dueBy),
      );
      const from = after ? due.findIndex(({ project_id }) => project_id === after.project_id) + 1 : 0;
      const seen = due.slice(from, from + pageSize);
      read += seen.length;
      const last = from + seen.length < due.length ? seen.at(-1) : undefined;
      return {
        rows: seen.filter(({ pipeline }) => pipeline === "B"),
        scanned: seen.length,
        last: last && { ...last },
      };
    };
    return scans.look("external#p3#00", ["B"], toTime(START + dueBy), limit, page);
  };
  const readSince = () => {
    const count = read;
    read = 0;
    return count;
  };
  return { rows, look, readSince, pass: (ms: number) => (nowMs += ms) };
}

describe("W4: work of one pipeline behind very much of another", () => {
  it("is found at once, and what was read past is not read again", async () => {
    const { rows, look, readSince } = queue();
    rows.push(...Array.from({ length: 2000 }, (_, n) => row(n, "A")));
    expect(await look(20_000)).toEqual([]);
    expect(readSince()).toBe(2000);
    for (let n = 0; n < 50; n++) expect(await look(20_000 + n)).toEqual([]);
    expect(readSince()).toBe(0);
    const wanted = row(20_060, "B");
    rows.push(wanted);
    expect(await look(20_070)).toEqual([wanted]);
    expect(await look(20_080)).toEqual([wanted]);
    expect(readSince()).toBeLessThanOrEqual(2);
  });

  it("is found behind more than one look reads", async () => {
    const { rows, look } = queue(10_000);
    rows.push(...Array.from({ length: 70_000 }, (_, n) => row(n, "A")), row(70_000, "B"));
    const looks = [];
    for (let n = 0; n < 3; n++) looks.push((await look(80_000)).length);
    expect(looks).toEqual([0, 0, 1]);
  });

  it("is found in a while where it became due before what was looked at", async () => {
    const { rows, look, pass } = queue();
    rows.push(...Array.from({ length: 2000 }, (_, n) => row(n, "A")));
    expect(await look(60_000)).toEqual([]);
    const late = row(5, "B");
    rows.splice(5, 0, late);
    expect(await look(60_000)).toEqual([]);
    pass(120_000);
    expect(await look(60_000)).toEqual([late]);
  });

  it("is found after the clock went back", async () => {
    const { rows, look } = queue();
    rows.push(row(1, "A"));
    expect(await look(60_000)).toEqual([]);
    rows.push(row(2, "B"));
    expect(await look(3)).toHaveLength(1);
  });
});
