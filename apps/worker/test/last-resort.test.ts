import { type Patch, StagefoldError } from "@stagefold/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, ended, openBench, stageOf } from "./harness.ts";

const PIPELINE = `
import { definePipeline } from "@stagefold/pipeline";
const stage = (run) => [{ stage: "s", run }, { stage: "after", run: () => ({}) }];
export const throws = definePipeline({ name: "throws", stages: stage(() => { throw new Error("a poison"); }) });
export const returns = definePipeline({ name: "returns", stages: stage(() => ({ x: "a poison" })) });
export const logs = definePipeline({ name: "logs", stages: stage(async (ctx) => {
  ctx.log("a poison");
  await new Promise((resolve) => setTimeout(resolve, 5000));
  return {};
}) });
export const fine = definePipeline({ name: "fine", stages: stage(() => ({})) });
`;
const files = { "all.ts": PIPELINE };

/** A store that refuses whatever has the word in it, in whatever way a store may refuse. */
const refusals: readonly (readonly [string, () => Error])[] = [
  ["as input that it does not take", () => new StagefoldError("INVALID_INPUT", "not stored", {})],
  ["as too large", () => new StagefoldError("SNAPSHOT_TOO_LARGE", "too large", { size: 2, limit: 1 })],
  ["with an error of its own", () => new TypeError("the store broke on it")],
];
const pairs = refusals.flatMap(([how, error]) =>
  ["throws", "returns", "logs"].map((name) => [name, how, error] as const),
);

let bench: Bench;
/** A build for each pair, all of them run by one worker. */
const builds = new Map<string, { readonly id: string; readonly error: () => Error }>();

beforeAll(async () => {
  bench = await openBench({ files, leaseMs: 60_000 });
  for (const [name, how, error] of pairs) builds.set(name + how, { id: await bench.create(name), error });
  const errors = new Map([...builds.values()].map(({ id, error }) => [id, error]));
  bench.store.before = (patch) => {
    const error = errors.get(patch.project_id);
    if (error && patch.kind === "update" && JSON.stringify(patch.edits).includes("poison")) throw error();
  };
  bench.worker({ timings: { flushMs: 50 } }).start();
});
afterAll(() => bench[Symbol.asyncDispose]());

test.each(pairs)("O1: a stage that %s what the store refuses %s ends with that", async (name, how, error) => {
  const project = await bench.until(builds.get(name + how)?.id ?? "", ended);
  expect(project.status).toBe("failed");
  expect(["STAGE_FAILED", "OUTPUT_INVALID", "ITEM_FULL"]).toContain(project.error_info?.code);
  expect(project.error_info?.message).toContain(error().message);
  expect(stageOf(project, "s")).toMatchObject({ status: "failed", attempt: 1, history: [] });
});

test("O1: a build whose next stage cannot be started ends with the reason, and is not called lost", async () => {
  await using bench = await openBench({ files, leaseMs: 60_000 });
  const runs = (patch: Patch) =>
    patch.kind === "update" &&
    patch.postImage?.stages_snapshot.stages.some((stage) => stage.status === "running");
  bench.store.before = (patch) => {
    if (runs(patch)) throw new StagefoldError("SNAPSHOT_TOO_LARGE", "too large", { size: 2, limit: 1 });
  };
  bench.worker().start();
  const project = await bench.until(await bench.create("fine"), ended);
  expect(project).toMatchObject({ status: "failed", error_info: { stage: "s", code: "ITEM_FULL" } });
});
