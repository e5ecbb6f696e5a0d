import { createMemoryFileStores, MemoryProjectStore, Repository } from "@stagefold/core";
import { createRegistry, definePipeline } from "@stagefold/pipeline";
import { pino } from "pino";
import { expect, test } from "vitest";
import { Retention } from "./retention.ts";

const DAY_MS = 86_400_000;
const stages = [{ stage: "s", command: "true" }] as const;

test("builds that ended long enough ago are deleted with their files, by the days of their pipeline", async () => {
  const time = { now: Date.UTC(2026, 0, 1) };
  const { artifacts, logs } = createMemoryFileStores();
  const store = new MemoryProjectStore();
  const repository = new Repository({ store, artifacts, logs, clock: { now: () => time.now } });
  const pipelines = createRegistry([
    definePipeline({ name: "short", retention_days: 2, stages }),
    definePipeline({ name: "usual", stages }),
  ]);
  const log = pino({ level: "silent" });
  const create = async (pipeline: string) =>
    (await repository.control.create({ requirement: "x" }, { pipeline, pipeline_version: "1", stages }))
      .project_id;
  const ids = async () =>
    (await repository.lists.projects({}, 100)).items.map(({ project_id }) => project_id).sort();
  const [short, usual, open, retried] = [
    await create("short"),
    await create("usual"),
    await create("short"),
    await create("short"),
  ];
  for (const id of [short, usual, retried]) await repository.control.cancel(id);
  const ref = { project_id: short, stage: "s", attempt: 1, path: "a.txt" };
  await artifacts.put(ref, new TextEncoder().encode("a"));
  const none = new Retention({ repository, pipelines, retentionDays: undefined, log });
  const all = new Retention({ repository, pipelines, retentionDays: 10, log });
  time.now += 2 * DAY_MS - 1;
  expect(await none.removeExpired()).toBe(0);
  time.now += 1;
  // A retry that comes between the look and the delete keeps its build.
  await repository.control.retry(retried, {});
  expect(await repository.control.deleteEnded(retried, "2027-01-01T00:00:00.000Z")).toBe(false);
  expect(await none.removeExpired()).toBe(1);
  expect(await ids()).toEqual([usual, open, retried].sort());
  expect(await artifacts.get(ref)).toBeUndefined();
  time.now += 8 * DAY_MS;
  expect(await none.removeExpired()).toBe(0);
  expect(await all.removeExpired()).toBe(1);
  expect(await ids()).toEqual([open, retried].sort());
});
