import { expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { ended, openBench } from "./harness.ts";

/** What a stage may say, by where it says it; `x` is the hostile value. */
const PIPELINE = `
import { definePipeline, StageError } from "@stagefold/pipeline";

const deep = (levels) => { let value = 1; for (let i = 0; i < levels; i++) value = { value }; return value; };
const loop = {}; loop.loop = loop;
export const VALUES = [
  "a lone \\ud83d", "\\udc00 first", "NUL \\u0000 inside", "", " ", "x".repeat(1_000_000), "\\ud83d".repeat(10_000),
  "__proto__", "constructor", "../..", "line\\nfeed\\r\\u2028", "\\u202e right to left", "\\u001b[31m red",
  1e300, -1e300, 1e-300, 9007199254740993, 12345678901234567890n, NaN, Infinity, -0, -1, 0.1,
  null, undefined, true, Symbol("s"), () => 1, [], [1, undefined], new Array(100_000).fill(0), {}, deep(50), deep(5000), loop,
  JSON.parse('{"__proto__": {"polluted": 1}}'), { "": "empty key" }, { ["k".repeat(100_000)]: 1 }, { "a lone \\udc00": 1 },
  new Map([["a", 1]]), new Set([1]), new Date(NaN), new Error("an error \\ud83d"), new Uint8Array(10), Promise.resolve(1),
  { toJSON() { throw new Error("toJSON"); } }, { get x() { throw new Error("getter"); } }, { then(done) { done(7); } },
  Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => ["key" + i, i])), "9".repeat(400), { artifacts: ["x"] },
];
export const FIELDS = {
  output: (ctx, x) => x,
  "a field of the output": (ctx, x) => ({ x }),
  "a key of the output": (ctx, x) => ({ [x]: 1 }),
  "a thrown value": (ctx, x) => { throw x; },
  "the message of an error": (ctx, x) => { throw new Error(x); },
  "the cause of an error": (ctx, x) => { throw new Error("no", { cause: x }); },
  "the message of a stage error": (ctx, x) => { throw new StageError(x); },
  "the code of a stage error": (ctx, x) => { throw new StageError("no", { code: x, final: true }); },
  "the delay of a stage error": (ctx, x) => { throw new StageError("no", { retry_in_seconds: x }); },
  "a log line": (ctx, x) => { ctx.log(x); return {}; },
  progress: (ctx, x) => { ctx.progress(x); return {}; },
  metrics: (ctx, x) => { ctx.metrics({ input_tokens: x, output_tokens: x }); return {}; },
  "metrics as a whole": (ctx, x) => { ctx.metrics(x); return {}; },
  "metrics twice": (ctx, x) => { ctx.metrics({ tool_calls: x }); ctx.metrics({ tool_calls: x }); return {}; },
  "a sub-stage's key": async (ctx, x) => { await ctx.subStage(x, async () => 1); return {}; },
  "a sub-stage's error": async (ctx, x) => { await ctx.subStage("part", async () => { throw new Error(x); }).catch(() => 1); return {}; },
  "a sub-stage's progress": async (ctx, x) => { await ctx.subStage("part", async (part) => part.progress(x)); return {}; },
  "an artifact's path": async (ctx, x) => { await ctx.artifact(x, "text"); return {}; },
  "an artifact's bytes": async (ctx, x) => { await ctx.artifact("a.txt", x); return {}; },
  "an artifact's type": async (ctx, x) => { await ctx.artifact("a.txt", "text", { media_type: x }); return {}; },
  "an artifact's metadata": async (ctx, x) => { await ctx.artifact("a.txt", "text", { metadata: x }); return {}; },
  "a field of its metadata": async (ctx, x) => { await ctx.artifact("a.txt", "text", { metadata: { x } }); return {}; },
  "an artifact's document": async (ctx, x) => { await ctx.artifact("a.txt", "text", { doc_path: x }); return {}; },
  "a reference's path": (ctx, x) => { ctx.reference(x); return {}; },
  "a reference's size": (ctx, x) => { ctx.reference("a.bin", { size: x }); return {}; },
  "a reference's metadata": (ctx, x) => { ctx.reference("a.bin", { metadata: { x } }); return {}; },
  "the output of an earlier stage": (ctx, x) => { ctx.output(x); return {}; },
  "a message of its own making": (ctx, x) => { process.send?.(x); return {}; },
};
export default definePipeline({ name: "hostile", stages: [
  { stage: "say", timeout_seconds: 20, run(ctx) {
    const [field, value] = JSON.parse(ctx.project.requirement);
    return Object.values(FIELDS)[field](ctx, VALUES[value]);
  } },
  { stage: "after", run: (ctx) => ({ before: typeof ctx.output("say") }) },
] });
`;
const FIELDS = 28;
const VALUES = 51;

/** All pairs in the long form, a sample of them otherwise. */
const share = SOAK ? 1 : 0.06;
const seed = Number(process.env.HOSTILE_SEED ?? Date.now() % 100_000);

test(`O1, W7: whatever a stage says, its build ends with a true state (HOSTILE_SEED=${seed})`, async () => {
  await using bench = await openBench({ files: { "hostile.ts": PIPELINE }, leaseMs: 10_000 });
  const worker = bench.worker({ concurrency: 4, timings: { flushMs: 50 } });
  worker.start();
  const pairs = Array.from({ length: FIELDS * VALUES }, (_, i) => [i % FIELDS, Math.floor(i / FIELDS)]);
  const wanted = pairs.filter((_, i) => pseudoRandom(seed + i) < share);
  for (let from = 0; from < wanted.length; from += 40) {
    const ids = await Promise.all(
      wanted.slice(from, from + 40).map((pair) => bench.create("hostile", JSON.stringify(pair))),
    );
    for (const id of ids) {
      const project = await bench.until(id, ended, 120);
      const codes = project.stages_snapshot.stages.flatMap((stage) =>
        stage.history.map((entry) => entry.code),
      );
      const what = `${project.requirement}: ${JSON.stringify(project.error_info)?.slice(0, 300)}`;
      expect(["completed", "failed"], what).toContain(project.status);
      expect(["WORKER_LOST", "STAGE_STALLED"], what).not.toContain(project.error_info?.code);
      expect(codes, what).not.toContain("WORKER_LOST");
    }
  }
  expect(worker.notReady).toBeUndefined();
});

function pseudoRandom(n: number): number {
  const x = Math.sin(n) * 10_000;
  return x - Math.floor(x);
}
