import { expect, it } from "vitest";
import { MemoryProjectStore } from "../memory/project-store.ts";
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
