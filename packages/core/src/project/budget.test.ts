import { expect, it } from "vitest";
import { MemoryProjectStore } from "../memory/project-store.ts";
import { summarise } from "../snapshot/derive.ts";
import { aRepository, events } from "../testing/builders.ts";
import { FakeClock } from "../testing/fake-clock.ts";

it("a stage that ran when its build was cancelled, and is stopped by the first write of the retry, is stored as stopped", async () => {
  const store = new MemoryProjectStore();
  const { control, work } = aRepository(store, new FakeClock()).repository;
  const stages = [
    { stage: "left", needs: [] },
    { stage: "right", needs: [] },
    { stage: "tidy", finally: true },
  ];
  const limits = { attempts: 2 };
  const { project_id, work_queue } = await control.create(
    { requirement: "r", limits },
    { pipeline: "p", pipeline_version: "1", stages },
  );
  const starts = events({ event: "started", stage: "left" }, { event: "started", stage: "right" });
  const run = async (given = starts) => {
    const claimed = await work.claim(project_id, "w", work_queue);
    if (!claimed) throw new Error("the claim was refused");
    const { lease_token, lease_seq } = claimed;
    return await work.report({ project_id, lease_token, lease_seq: lease_seq + 1, events: given });
  };
  await run(events({ event: "started", stage: "left" }));
  await control.cancel(project_id);
  await control.retry(project_id, {});
  const failing = await run();
  expect(failing.error_info?.code).toBe("BUDGET_EXCEEDED");
  const item = JSON.parse(JSON.stringify(await store.get(project_id)));
  expect(item.stages_snapshot.stages.map(({ status }: { status: string }) => status)).toEqual([
    "cancelled",
    "pending",
    "pending",
  ]);
});

it("what an attempt has used that is given back counts, and stays with it", async () => {
  const { control, work } = aRepository(new MemoryProjectStore(), new FakeClock()).repository;
  const plan = { pipeline: "p", pipeline_version: "1", stages: [{ stage: "one" }] };
  const { project_id, work_queue } = await control.create(
    { requirement: "r", limits: { cost_usd: 1 } },
    plan,
  );
  const claimed = await work.claim(project_id, "w", work_queue);
  if (!claimed) throw new Error("the claim was refused");
  const { lease_token, lease_seq } = claimed;
  const metrics = { model_calls: 1, cost_usd: 0.5, input_tokens: 7 };
  const said = events({ event: "started", stage: "one" }, { event: "noted", stage: "one", metrics });
  const lease = { project_id, lease_token, lease_seq: lease_seq + 1 };
  const given = await work.report({ ...lease, events: said, release: true });
  expect(given.spent).toMatchObject({ cost_usd: 0.5, tokens: 7, attempts: 1 });
  const [stage] = given.stages_snapshot.stages;
  expect(stage).toMatchObject({ status: "pending", history: [{ attempt: 1, status: "cancelled", metrics }] });
  expect(summarise(given.stages_snapshot.stages).cost_usd).toBe(0.5);
});
