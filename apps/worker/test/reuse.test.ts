import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { completed, ended, openBench, stageOf } from "./harness.ts";

const itInSoak = it.runIf(SOAK);

/** As many as a tool that writes a tree of documents makes; one write for each would take an hour. */
const FILES = SOAK ? 8000 : 1500;
const THREE = `
name: three
stages:
  - { stage: a, command: "echo $PPID" }
  - { stage: b, command: "echo $PPID" }
  - { stage: c, command: "echo $PPID; (sleep 0.01 &)" }
`;
const CODE = `
import { definePipeline } from "@stagefold/pipeline";

const pid = (ctx) => { ctx.log(String(process.pid)); return {}; };
export const two = definePipeline({ name: "two", stages: [{ stage: "a", run: pid }, { stage: "b", run: pid }] });
export const listens = definePipeline({ name: "listens", stages: [{ stage: "a", run(ctx) {
  process.on("message", (m) => console.log("overheard " + JSON.stringify(m)));
  return pid(ctx);
} }, { stage: "b", run: pid }] });
export const globals = definePipeline({ name: "globals", stages: [
  { stage: "a", run(ctx) { globalThis.left = ctx.project.requirement; return pid(ctx); } },
  { stage: "b", run(ctx) { ctx.log(String(globalThis.left)); return {}; } },
] });
`;

it("O13: three quick commands of a build run in one warm runner", async () => {
  await using bench = await openBench({ files: { "three.yaml": THREE } });
  bench.worker({ concurrency: 1 }).start();
  const project = await bench.until(await bench.create("three"), completed);
  const pids = await Promise.all(["a", "b", "c"].map(async (key) => (await bench.logOf(project, key))[0]));
  expect(new Set(pids).size).toBe(1);
});

it("A7: the stages of one user share a runner, those of another have one of their own", async () => {
  await using bench = await openBench({ files: { "code.ts": CODE } });
  bench.worker({ concurrency: 1 }).start();
  const pidOf = async (user_id: string) => {
    const stages = [{ stage: "a" }, { stage: "b" }];
    const plan = { pipeline: "two", pipeline_version: "1", stages };
    const { project_id } = await bench.repository.control.create({ requirement: "x", user_id }, plan);
    const project = await bench.until(project_id, completed);
    const [first] = await bench.logOf(project, "a");
    expect(await bench.logOf(project, "b")).toEqual([first]);
    return first;
  };
  const [ada, again, bob] = [await pidOf("ada"), await pidOf("ada"), await pidOf("bob")];
  expect(again).toBe(ada);
  expect(bob).not.toBe(ada);
});

it.each(["listens", "globals"])(
  "A7: a runner in which a stage left something (%s) runs no other stage",
  async (name) => {
    await using bench = await openBench({ files: { "code.ts": CODE } });
    bench.worker({ concurrency: 1 }).start();
    const project = await bench.until(await bench.create(name, "mine alone"), completed);
    const lines = [...(await bench.logOf(project, "a")), ...(await bench.logOf(project, "b"))];
    expect(lines.join()).not.toMatch(/overheard|mine alone/);
    expect(lines[1]).not.toBe(lines[0]);
  },
);

it("O2: a stage that writes empty lines without end holds up no other build", async () => {
  const files = {
    "yes.yaml": `name: endless\nstages: [{ stage: s, command: "yes ''", timeout_seconds: 8 }]\n`,
    "quiet.yaml": `name: quiet\nstages: [{ stage: s, command: "sleep 2; echo quiet" }]\n`,
  };
  await using bench = await openBench({ files, leaseMs: 5000 });
  bench.worker({ concurrency: 2 }).start();
  const endless = await bench.create("endless");
  let longest = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 20);
  const quiet = await bench.until(await bench.create("quiet"), ended);
  clearInterval(beat);
  expect(quiet.status).toBe("completed");
  expect(stageOf(quiet, "s")).toMatchObject({ attempt: 1, history: [] });
  // Less than the lease, also on a busy machine.
  expect(longest).toBeLessThan(5000);
  await bench.repository.control.cancel(endless);
});

it("O7: a question without an end of line, and a bar that rewrites itself, are shown while they stand", async () => {
  const command = `printf 'Password: '; sleep 3; printf '\\nbar 1%%\\rbar 2%%'; for i in 3 4 5 6; do sleep 0.5; printf "\\rbar $i%%"; done; sleep 30`;
  const yaml = `name: asks\nstages:\n  - stage: s\n    command: |\n      ${command}\n`;
  await using bench = await openBench({ files: { "asks.yaml": yaml } });
  bench.worker({ timings: { flushMs: 50 } }).start();
  const id = await bench.create("asks");
  await bench.until(id, (project) => (stageOf(project, "s").logs ?? []).includes("Password: "), 30);
  const project = await bench.until(
    id,
    (one) => (stageOf(one, "s").logs ?? []).some((line) => /^bar [3-6]%$/.test(line)),
    30,
  );
  expect(stageOf(project, "s").status).toBe("running");
  await bench.repository.control.cancel(id);
});

itInSoak(`F4: ${FILES} small files of one stage are recorded in batches, within 20 ms each`, async () => {
  const yaml = `name: files\nstages:\n  - stage: s\n    command: mkdir d; for i in $(seq ${FILES}); do echo $i > d/$i; done\n    artifacts: ["d/**"]\n`;
  await using bench = await openBench({ files: { "files.yaml": yaml } });
  bench.worker().start();
  const from = performance.now();
  const project = await bench.until(await bench.create("files"), completed, (FILES * 20) / 1000);
  expect(stageOf(project, "s").output_data.artifact_count).toBe(FILES);
  expect(performance.now() - from).toBeLessThan(FILES * 20);
  // A write for each file would be so many.
  expect(bench.store.writes.length).toBeLessThan(FILES / 20);
});

itInSoak("F2: a neighbour that breaks while runners are warm stops no stage", async () => {
  await using bench = await openBench({ files: { "code.ts": CODE }, ownFiles: true });
  bench.worker({ concurrency: 1 }).start();
  await bench.until(await bench.create("two"), completed);
  await writeFile(join(bench.pipelinesFolder, "broken.ts"), "export const = ;");
  await appendFile(join(bench.pipelinesFolder, "half.yaml"), "name: half\nstages:\n  - sta");
  await bench.until(await bench.create("two"), completed);
  expect(await readFile(join(bench.pipelinesFolder, "broken.ts"), "utf8")).toContain("const");
});
