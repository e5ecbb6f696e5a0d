import { expect, test } from "vitest";
import { completed, ended, openBench, stageOf } from "./harness.ts";

/** Says that it is there and waits for another one: both end only if they run at the same time. */
const meet = (own: string, other: string) =>
  `touch ${own}; n=0; until [ -e ${other} ]; do n=$((n+1)); [ $n -lt 600 ] || exit 1; sleep 0.05; done; echo met ${other}`;

const FILES = {
  "diamond.yaml": `name: diamond
stages:
  - { stage: plan, command: "echo planned > plan.txt", artifacts: [plan.txt] }
  - { stage: left, needs: [plan], command: "${meet("left", "right")}; cp plan.txt left.txt", artifacts: [left.txt] }
  - { stage: right, needs: [plan], command: "${meet("right", "left")}" }
  - { stage: join, needs: [left, right], command: "cat left.txt" }
`,
  "chain.yaml": `name: chain
stages:
  - { stage: a, command: "true" }
  - { stage: b, command: "true", needs: [a] }
  - { stage: c, command: "true", needs: [b] }
`,
  "plain.yaml": `name: plain
stages:
  - { stage: a, command: "true" }
  - { stage: b, command: "true" }
  - { stage: c, command: "true" }
`,
  "broken.yaml": `name: broken
stages:
  - { stage: left, needs: [], command: "until [ -e right ]; do sleep 0.05; done; echo broken; exit 3" }
  - { stage: right, needs: [], command: "touch right; echo here; sleep 1000" }
  - { stage: join, command: "true" }
  - { stage: tidy, finally: true, command: "rm right; echo tidied" }
  - { stage: tell, finally: true, if: "!failed", command: "true" }
`,
  "outcomes.ts": `
import { definePipeline } from "@stagefold/pipeline";
export default definePipeline({ name: "outcomes", stages: [
  { stage: "test", needs: [], run: () => ({ passed: true, pages: 2 }) },
  { stage: "lint", needs: [], allow_failure: true, run: () => { throw new Error("a blank too many"); } },
  { stage: "flaky", needs: ["test"], retry: { attempts: 2, backoff_seconds: 0.2 },
    run: (ctx) => { if (ctx.attempt === 1) throw new Error("again"); return { seen: ctx.output("test") }; } },
  { stage: "draft", needs: ["test"], if: "outputs.test.pages > 9", run: () => ({}) },
  { stage: "after", needs: ["draft", "lint"], if: "status.draft == 'skipped' && status.lint == 'failed'", run: () => ({ ran: true }) },
] });
`,
};
const ASKED = {
  "asked.yaml": `name: asked
stages:
  - { stage: fetch, command: "true" }
  - { stage: test, needs: [fetch], command: "true", retry: { attempts: 3, backoff_seconds: 300 } }
  - { stage: approve, needs: [fetch], gate: { question: "Go on?" } }
  - { stage: deploy, needs: [test, approve], command: "true" }
`,
};
const quick = { timings: { idleFirstMs: 20, idleLastMs: 100 } };

test("a diamond runs its middle two at once, and its end with what both have made", async () => {
  await using bench = await openBench({ files: FILES });
  bench.worker(quick).start();
  const id = await bench.create("diamond");
  const done = await bench.until(id, completed);
  const [left, right] = [stageOf(done, "left"), stageOf(done, "right")];
  expect(left.started_at).toBe(right.started_at);
  expect(await bench.logOf(done, "left")).toContain("met right");
  expect(await bench.logOf(done, "right")).toContain("met left");
  expect(await bench.logOf(done, "join")).toEqual(["planned"]);
  expect(stageOf(done, "join").started_at).toBe([left.completed_at, right.completed_at].sort().at(-1));
});

test("stages that say what they need cost the same writes as those that do not", async () => {
  await using bench = await openBench({ files: FILES });
  bench.worker(quick).start();
  const writes: string[][] = [];
  for (const name of ["chain", "plain"]) {
    bench.store.writes.length = 0;
    await bench.until(await bench.create(name), completed);
    writes.push(bench.store.writes.filter((one) => one !== "heartbeat"));
  }
  expect(writes[0]).toEqual(writes[1]);
  expect(writes[0]).toEqual(["create", "claim", "report", "report", "report", "report"]);
});

test("a stage that fails for good stops the others, and what runs finally does", async () => {
  await using bench = await openBench({ files: FILES });
  bench.worker(quick).start();
  const id = await bench.create("broken");
  const over = await bench.until(id, ended);
  expect(over).toMatchObject({ status: "failed", error_info: { stage: "left", exit_code: 3 } });
  expect(over.stages_snapshot.stages.map(({ status }) => status)).toEqual([
    "failed",
    "cancelled",
    "pending",
    "completed",
    "skipped",
  ]);
  expect(await bench.logOf(over, "right")).toContain("here");
  expect(await bench.logOf(over, "tidy")).toEqual(["tidied"]);
});

test("conditions, allowed failures and second attempts beside other stages", async () => {
  await using bench = await openBench({ files: FILES });
  bench.worker(quick).start();
  const id = await bench.create("outcomes");
  const done = await bench.until(id, completed);
  expect(done.stages_snapshot.stages.map(({ stage, status }) => `${stage} ${status}`)).toEqual([
    "test completed",
    "lint failed",
    "flaky completed",
    "draft skipped",
    "after completed",
  ]);
  expect(stageOf(done, "flaky")).toMatchObject({
    attempt: 2,
    output_data: { seen: { passed: true, pages: 2 } },
  });
  expect(stageOf(done, "draft").output_data.skipped_reason).toContain("outputs.test.pages > 9");
  expect(done).toMatchObject({ progress_percentage: 100, stages_snapshot: { completed: 5 } });
});

test("a gate beside a stage that waits for its next attempt does not make the build due all the while", async () => {
  await using bench = await openBench({ files: ASKED });
  const { control, work } = bench.repository;
  const id = await bench.create("asked");
  const { work_queue } = await bench.repository.get(id);
  const claimed = await work.claim(id, "another", work_queue);
  if (!claimed) throw new Error("expected a claim");
  const { lease_token, lease_seq } = claimed;
  await work.report({
    project_id: id,
    lease_token,
    lease_seq: lease_seq + 1,
    events: [
      { event: "started", stage: "fetch" },
      { event: "completed", stage: "fetch", output: {} },
      { event: "started", stage: "test" },
      { event: "failed", stage: "test", message: "again", code: "STAGE_FAILED", retry_in_seconds: 300 },
    ],
  });
  const soon = new Date(Date.now() + 200_000).toISOString();
  bench.worker(quick).start();
  const waits = await bench.until(
    id,
    ({ work_due_at = "", status }) => status === "queued" && work_due_at > soon,
  );
  expect(stageOf(waits, "approve")).toMatchObject({ status: "pending", attempt: 0 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(bench.store.count("claim")).toBe(2);
  await control.cancel(id);
});
