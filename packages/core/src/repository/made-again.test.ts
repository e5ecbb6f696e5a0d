import { expect, it } from "vitest";
import { MemoryProjectStore } from "../memory/project-store.ts";
import { itemBytes } from "../snapshot/limits.ts";
import { aRepository, TEST_PLAN } from "../testing/builders.ts";

const INPUT = { requirement: "a calculator", user_id: "u", idempotency_key: "k" };

it("what is known of a deleted project is never written into the one that was made again", async () => {
  const store = new MemoryProjectStore();
  const { repository, clock } = aRepository(store);
  const other = aRepository(store, clock).repository;
  const { project_id } = await repository.control.create(INPUT, TEST_PLAN);
  await repository.artifacts.record(
    project_id,
    "make",
    [{ path: "a-long-name-of-the-first-life.txt" }],
    "add",
  );
  expect((await other.get(project_id)).revision).toBe(2);

  await repository.control.delete(project_id);
  clock.advance(5000);
  await repository.control.create(INPUT, TEST_PLAN);
  await repository.artifacts.record(project_id, "check", [{ path: "b.txt" }], "add");

  // The same status, the same revision: only what happened before is another.
  const written = await other.artifacts.record(project_id, "plan", [{ path: "c.txt" }], "add");
  const listed = written.stages_snapshot.stages.map((stage) => stage.output_data.artifacts);
  expect(listed).toEqual([["c.txt"], [], ["b.txt"]]);
  expect(written.item_bytes).toBe(itemBytes(written));
});
