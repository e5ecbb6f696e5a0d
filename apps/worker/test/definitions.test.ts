import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { followPipelines } from "@stagefold/agent-build";
import { MemoryRecordStore } from "@stagefold/core";
import { definitionDigest } from "@stagefold/pipeline";
import { DefinitionArchive, WorkerDirectory } from "@stagefold/runtime/worker-directory";
import { expect, test } from "vitest";
import { completed, openBench, stageOf } from "./harness.ts";

const yaml = (word: string) => `name: words
stages:
  - { stage: a, command: "echo ${word} a; while [ ! -f go ]; do sleep 0.05; done" }
  - { stage: b, command: "echo ${word} b" }
`;

test("C6: a build continues with the definition that it began with, each attempt says which it ran, and workers say which they have", async () => {
  await using bench = await openBench({
    files: { "words.yaml": yaml("first") },
    leaseMs: 60_000,
    ownFiles: true,
  });
  const records = new MemoryRecordStore();
  // The workspace is there when the stage has begun.
  const go = async (project: string) => {
    const write = () => writeFile(join(bench.folder, "data/work", project, "go"), "");
    await expect.poll(() => write().then(() => "there", String)).toBe("there");
  };
  let changed = () => undefined as undefined;
  await using pipelines = await followPipelines(bench.pipelinesFolder, {
    onProblem: (problem) => expect.fail(String(problem)),
    onChange: () => changed(),
  });
  const digest = () => definitionDigest(pipelines.get("words") ?? expect.fail("no pipeline"));
  const began = digest();
  const worker = bench.worker({ pipelines, records, version: "1.2.3", drainMs: 60_000 });
  changed = () => void worker.pipelinesChanged() as undefined;
  worker.start();
  const id = await bench.create("words");
  await bench.until(id, (project) => stageOf(project, "a").status === "running");
  const directory = new WorkerDirectory(records, bench.repository.clock);
  await writeFile(join(bench.pipelinesFolder, "words.yaml"), yaml("second"));
  await expect.poll(digest).not.toBe(began);
  await expect
    .poll(() => directory.list())
    .toMatchObject([
      {
        owner: worker.owner,
        version: "1.2.3",
        slots: 2,
        running: [{ project_id: id, stage: "a" }],
        pipelines: { words: digest() },
      },
    ]);
  // The worker leaves the build after this stage; the next lease begins with other files.
  const drained = worker.drain();
  await go(id);
  await drained;
  expect(await directory.list()).toEqual([]);
  const later = bench.worker({ pipelines, records });
  later.start();
  const project = await bench.until(id, completed);
  expect(stageOf(project, "a").definition).toBe(began);
  expect(stageOf(project, "b").definition).toBe(began);
  const log = await bench.logOf(project, "b");
  expect(log).toEqual([
    expect.stringContaining("continues with the definition that it began with"),
    "first b",
  ]);
  const kept = await new DefinitionArchive(records, bench.repository.clock).get("words", began);
  expect(kept?.definition).toMatchObject({
    stages: [{ stage: "a", command: expect.stringContaining("first") }, {}],
  });
  // Another worker knows the present files alone, and says so.
  const other = await bench.create("words");
  await later.stop();
  bench.worker({ pipelines: { ...pipelines, get: pipelines.get, past: () => undefined }, records }).start();
  await go(other);
  const second = await bench.until(other, completed);
  expect((await bench.logOf(second, "a"))[0]).toContain("has changed since this build began");
  expect(stageOf(second, "b").definition).toBe(digest());
});
