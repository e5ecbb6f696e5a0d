import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, completed, openBench, stageOf } from "./harness.ts";

const SOURCE = `
import { definePipeline } from "@stagefold/pipeline";
const refused = (work) => { try { work(); return "taken"; } catch (error) { return error.message; } };
export default definePipeline({ name: "notes", stages: [
  { stage: "a", async run(ctx) {
    ctx.note("rows", 1);
    ctx.note("rows", { read: 1200, bad: [] });
    ctx.note("gone", "x");
    ctx.note("gone", null);
    await ctx.summary("# What came of it\\n\\n1200 rows");
    while (!(await import("node:fs")).existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 50));
    return {
      large: refused(() => ctx.note("large", "x".repeat(2000))),
      many: refused(() => { for (let i = 0; i < 20; i++) ctx.note("n" + i, i); }),
      odd: refused(() => ctx.note("odd", new Map())),
      long: await ctx.summary("x".repeat(70_000)).then(() => "taken", (error) => error.message),
    };
  } },
  { stage: "b", run: () => ({}) },
] });
`;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ files: { "notes.ts": SOURCE }, leaseMs: 60_000 });
  bench.worker({ timings: { flushMs: 100 } }).start();
});
afterAll(() => bench[Symbol.asyncDispose]());

test("notes and the summary are there while the stage runs, and what is too much is refused where it is given", async () => {
  const id = await bench.create("notes");
  const live = await bench.until(id, (project) => stageOf(project, "a").summary !== undefined);
  expect(stageOf(live, "a")).toMatchObject({
    status: "running",
    notes: { rows: { read: 1200, bad: [] } },
    summary: "summary/a.md",
  });
  expect(stageOf(live, "a").notes).not.toHaveProperty("gone");
  const { writeFile } = await import("node:fs/promises");
  await writeFile(`${bench.folder}/data/work/${id}/go`, "");
  const project = await bench.until(id, completed);
  const { output_data, notes, summary } = stageOf(project, "a");
  expect(output_data).toMatchObject({
    large: expect.stringContaining("at most 1024 bytes"),
    many: expect.stringContaining("may have 16 notes"),
    odd: expect.stringContaining("Map"),
    long: expect.stringContaining("70000"),
  });
  expect(summary).toBe("summary/a.md");
  expect(Object.keys(notes ?? {})).toHaveLength(16);
  expect(output_data.artifact_info["summary/a.md"]).toMatchObject({ media_type: "text/markdown" });
  expect(stageOf(project, "b").notes).toBeUndefined();
});
