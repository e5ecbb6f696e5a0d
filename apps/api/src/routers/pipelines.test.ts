import { MemoryRecordStore } from "@stagefold/core";
import { definitionDigest, PipelineError } from "@stagefold/pipeline";
import { DefinitionArchive, WorkerDirectory } from "@stagefold/runtime/worker-directory";
import { expect, it } from "vitest";
import { callerOf, memoryDeps, twoSteps } from "../../test/fixture.ts";
import { refusal } from "../../test/refusal.ts";

it("gives the present definition of a pipeline, and any that a worker ever had", async () => {
  const records = new MemoryRecordStore();
  const deps = { ...memoryDeps(), records };
  const { pipelines } = callerOf(deps);
  const digest = definitionDigest(twoSteps);
  const present = await pipelines.get({ name: "two-steps" });
  expect(present).toMatchObject({
    version: "v1",
    digest,
    is_present: true,
    definition: { name: "two-steps" },
  });
  for (const version of ["v1", digest])
    expect(await pipelines.get({ name: "two-steps", version })).toEqual(present);
  const missing = { name: "two-steps", version: "0123456789ab" };
  expect(await refusal(pipelines.get(missing))).toMatchObject({ code: "PIPELINE_NOT_FOUND" });
  expect(await refusal(pipelines.get({ name: "none" }))).toMatchObject({ code: "PIPELINE_NOT_FOUND" });
  await new DefinitionArchive(records, deps.clock).keep("two-steps", "0123456789ab", {
    name: "two-steps",
    stages: [],
  });
  expect(await pipelines.get(missing)).toMatchObject({
    is_present: false,
    first_seen_at: "2025-06-01T10:00:00.000Z",
  });
});

it("names files that cannot be used, without their folder", async () => {
  const deps = memoryDeps();
  const mistake = { file: "/srv/pipelines/bad.yaml", line: 3, expected: "a map", found: "nothing" };
  const problem = new PipelineError("/srv/pipelines/bad.yaml:3: expected a map, found nothing", mistake);
  const { pipelines } = callerOf({ ...deps, pipelines: { ...deps.pipelines, problems: () => [problem] } });
  expect((await pipelines.problems()).items).toEqual([
    {
      file: "bad.yaml",
      line: 3,
      message: "bad.yaml:3: expected a map, found nothing",
      expected: "a map",
      found: "nothing",
    },
  ]);
});

it("lists the workers that were heard of lately", async () => {
  const records = new MemoryRecordStore();
  const deps = { ...memoryDeps(), records };
  const { workers } = callerOf(deps);
  const directory = new WorkerDirectory(records, deps.clock);
  const about = {
    version: "1",
    node_version: "20",
    started_at: "2025-06-01T10:00:00.000Z",
    slots: 4,
    running: [],
    pipelines: { a: "x" },
  };
  await directory.announce({ owner: "one", ...about });
  deps.clock.pass(20);
  await directory.announce({ owner: "two", ...about });
  await directory.announce({ owner: "two", ...about, not_ready: "no disk" });
  expect((await workers.list()).items).toMatchObject([
    { owner: "one" },
    { owner: "two", not_ready: "no disk" },
  ]);
  deps.clock.pass(20);
  expect((await workers.list()).items.map(({ owner }) => owner)).toEqual(["two"]);
  await directory.withdraw("two");
  expect((await workers.list()).items).toEqual([]);
});
