import {
  AgentRecords,
  agentVersionSchema,
  createMemoryFileStores,
  MemoryProjectStore,
  MemoryRecordStore,
  Repository,
  toTime,
} from "@stagefold/core";
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
  const none = new Retention({ repository, pipelines, agents: undefined, retentionDays: undefined, log });
  const all = new Retention({ repository, pipelines, agents: undefined, retentionDays: 10, log });
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

test("a build whose files a version of an agent needs is kept, until they are given up", async () => {
  const time = { now: Date.UTC(2026, 0, 1) };
  const { artifacts, logs } = createMemoryFileStores();
  const repository = new Repository({
    store: new MemoryProjectStore(),
    artifacts,
    logs,
    clock: { now: () => time.now },
  });
  const plan = { pipeline: "usual", pipeline_version: "1", stages };
  const input = { requirement: "x", agent_id: "agent_0123456789ab" };
  const { project_id } = await repository.control.create(input, plan);
  await repository.control.cancel(project_id);
  const { agents } = new AgentRecords({
    records: new MemoryRecordStore(),
    artifacts,
    clock: repository.clock,
  });
  const version = {
    project_id,
    run: 1,
    stage: "s",
    attempt: 1,
    at: toTime(time.now),
    kind: "rules",
    entry: "a.mjs",
  };
  const made = agentVersionSchema.parse({ ...version, version: 1, tools: [], unmet: [] });
  await agents.publish(input.agent_id, { agent_name: "a" }, made);
  const pipelines = createRegistry([definePipeline({ name: "usual", retention_days: 1, stages })]);
  const log = pino({ level: "silent" });
  const retention = new Retention({ repository, pipelines, agents, retentionDays: undefined, log });
  time.now += 2 * DAY_MS;
  expect(await retention.removeExpired()).toBe(0);
  await agents.forgetFilesOf(input.agent_id, project_id);
  expect(await retention.removeExpired()).toBe(1);
});
