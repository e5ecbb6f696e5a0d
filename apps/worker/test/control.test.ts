import { existsSync } from "node:fs";
import { join } from "node:path";
import { isStagefoldError, type Project, type Repository } from "@stagefold/core";
import { describe, test } from "vitest";
import { type Bench, completed, openBench, stageOf } from "./harness.ts";
import { pidsIn, untilGone } from "./processes.ts";

const PIPELINE = `
import { appendFileSync } from "node:fs";
import { definePipeline } from "@stagefold/pipeline";
export default definePipeline({ name: "two", stages: [{ stage: "first", run(ctx) {
  appendFileSync(ctx.workDir + "/pids", process.pid + "\\n");
  if (ctx.attempt > 1) return { attempt: ctx.attempt };
  return new Promise(() => setInterval(() => {}, 1000));
} }, { stage: "second", run: () => ({}) }] });
`;
const files = { "two.ts": PIPELINE };

/** A build whose first stage runs in the hands of a worker that says nothing more. */
async function heldByTheDead(bench: Bench) {
  const id = await bench.create("two");
  const dead = bench.elsewhere();
  const claimed = await dead.work.claim(id, "dead", (await bench.repository.get(id)).work_queue);
  if (!claimed) throw new Error("expected a claim");
  const { lease_token, lease_seq } = claimed;
  const events = [{ event: "started" as const, stage: "first" }];
  await dead.work.report({ project_id: id, lease_token, lease_seq: lease_seq + 1, events });
  const late = () =>
    dead.work.report({
      project_id: id,
      lease_token,
      lease_seq: lease_seq + 2,
      events: [{ event: "completed", stage: "first", output: { late: true } }],
    });
  return { id, late };
}

const secondAttempt = { attempt: 2, status: "completed", history: [{ attempt: 1 }] };

describe.concurrent("with a worker that is dead", () => {
  test("a build is paused at once, and continues when it is resumed", async ({ expect }) => {
    await using bench = await openBench({ files, leaseMs: 5000 });
    const { id } = await heldByTheDead(bench);
    expect(await bench.repository.control.pause(id)).toMatchObject({ status: "paused" });
    bench.worker({ timings: { idleLastMs: 100 } }).start();
    // Past the lease and its grace: nobody touches what is paused.
    await new Promise((resolve) => setTimeout(resolve, 6500));
    expect((await bench.repository.get(id)).lease.owner).toBe("dead");
    await bench.repository.control.resume(id);
    expect(stageOf(await bench.until(id, completed), "first")).toMatchObject(secondAttempt);
  });

  test("a build that is resumed while the dead one's lease lives continues once it has run out", async ({
    expect,
  }) => {
    await using bench = await openBench({ files, leaseMs: 5000 });
    const { id } = await heldByTheDead(bench);
    await bench.repository.control.pause(id);
    expect(await bench.repository.control.resume(id)).toMatchObject({ status: "building" });
    bench.worker({ timings: { idleLastMs: 100 } }).start();
    expect(stageOf(await bench.until(id, completed), "first")).toMatchObject(secondAttempt);
  });

  test("a build is cancelled at once, what the dead one says late is refused, and a retry needs no lease to end", async ({
    expect,
  }) => {
    await using bench = await openBench({ files, leaseMs: 600_000 });
    const { id, late } = await heldByTheDead(bench);
    const cancelled = await bench.repository.control.cancel(id);
    expect(cancelled.status).toBe("cancelled");
    await expect(late()).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(stageOf(await bench.repository.get(id), "first").status).toBe("cancelled");
    expect(await bench.repository.control.retry(id, {})).toMatchObject({ status: "queued", run: 2 });
    bench.worker().start();
    const project = await bench.until(id, completed);
    expect(stageOf(project, "first")).toMatchObject({ ...secondAttempt, output_data: { attempt: 2 } });
  });

  test("a build is deleted at once, and nothing brings it back", async ({ expect }) => {
    await using bench = await openBench({ files, leaseMs: 600_000 });
    const { id, late } = await heldByTheDead(bench);
    bench.worker().start();
    await bench.repository.control.delete(id);
    await expect(late()).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await bench.store.get(id)).toBeUndefined();
  });
});

type Press = (repository: Repository, id: string) => Promise<unknown>;
const pause: Press = (repository, id) => repository.control.pause(id);
const resume: Press = (repository, id) => repository.control.resume(id);
const cancel: Press = (repository, id) => repository.control.cancel(id);
const retry: Press = (repository, id) => repository.control.retry(id, { from_stage: "first" });
const remove: Press = (repository, id) => repository.control.delete(id);

/** Two people press at the same time, each in a process that knows the build as it is. Returns who was refused, and why. */
async function both(bench: Bench, id: string, presses: readonly [Press, Press]): Promise<string[]> {
  const people = [bench.elsewhere(), bench.elsewhere()];
  for (const person of people) await person.get(id);
  const pressed = await Promise.allSettled(people.map((person, i) => presses[i]?.(person, id)));
  return pressed.map((one) => {
    if (one.status === "fulfilled") return "done";
    return isStagefoldError(one.reason) ? one.reason.code : String(one.reason);
  });
}

const BOTH = ["done", "done"];

describe.concurrent("when two press at once while a stage runs", () => {
  test.for<[string, Press, Press, string[][], Project["status"] | "gone"]>([
    ["pause and pause", pause, pause, [["PROJECT_CONFLICT", "done"]], "paused"],
    ["cancel and cancel", cancel, cancel, [["PROJECT_CONFLICT", "done"]], "cancelled"],
    ["pause and cancel", pause, cancel, [BOTH, ["PROJECT_CONFLICT", "done"]], "cancelled"],
    ["delete and delete", remove, remove, [["PROJECT_NOT_FOUND", "done"]], "gone"],
    ["cancel and delete", cancel, remove, [BOTH, ["PROJECT_NOT_FOUND", "done"]], "gone"],
  ])("%s", async ([, one, other, allowed, status], { expect }) => {
    await using bench = await openBench({ files, leaseMs: 600_000 });
    const worker = bench.worker();
    worker.start();
    const id = await bench.create("two");
    const pids = await pidsIn(join(bench.folder, "data/work", id, "pids"), 1);
    // Where both may succeed it depends on who comes first.
    expect(allowed).toContainEqual((await both(bench, id, [one, other])).sort());
    if (status === "paused") {
      expect(await bench.repository.get(id)).toMatchObject({ status });
      return;
    }
    await untilGone(pids, 20_000);
    while (worker.running.length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    if (status === "gone") {
      expect(await bench.store.get(id)).toBeUndefined();
      expect(existsSync(join(bench.folder, "data/work", id))).toBe(false);
    } else expect(await bench.repository.get(id)).toMatchObject({ status });
  });

  test("resume and resume: one build continues, once", async ({ expect }) => {
    await using bench = await openBench({ files, leaseMs: 600_000 });
    const id = await bench.create("two");
    await bench.repository.control.pause(id);
    expect((await both(bench, id, [resume, resume])).sort()).toEqual(["PROJECT_CONFLICT", "done"]);
    await bench.repository.control.cancel(id);
  });

  test("retry and retry: one new run", async ({ expect }) => {
    await using bench = await openBench({ files, leaseMs: 600_000 });
    const id = await bench.create("two");
    await bench.repository.control.cancel(id);
    expect((await both(bench, id, [retry, retry])).sort()).toEqual(["PROJECT_CONFLICT", "done"]);
    expect(await bench.repository.get(id)).toMatchObject({ run: 2, status: "queued" });
  });
});
