import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArtifactStore, createMemoryFileStores, MemoryProjectStore, Repository } from "@stagefold/core";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Workspaces } from "./workspaces.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
let root: string;
let store: ArtifactStore;
let repository: Repository;
let workspaces: Workspaces;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "stagefold-workspaces-"));
  const files = createMemoryFileStores();
  store = files.artifacts;
  repository = new Repository({ store: new MemoryProjectStore(), ...files });
  workspaces = new Workspaces(root, store, repository, pino({ level: "silent" }));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A project whose first stage is completed and made `a/file`. */
async function halfDone(): Promise<string> {
  const stages = [{ stage: "one" }, { stage: "two" }];
  const { project_id } = await repository.control.create(
    { requirement: "x" },
    { pipeline_version: "1", stages },
  );
  const [row] = await repository.work.due("agent_builds", 1);
  const claimed = await repository.work.claim(project_id, "w", row?.work_queue);
  if (!claimed) throw new Error("expected a claim");
  const bytes = new TextEncoder().encode("recorded");
  const stored = await store.put({ project_id, stage: "one", attempt: 1, path: "a/file" }, bytes);
  await repository.work.report({
    project_id,
    lease_token: claimed.lease_token,
    lease_seq: 1,
    events: [
      { event: "started", stage: "one" },
      { event: "completed", stage: "one", artifacts: [{ path: "a/file", ...stored }] },
    ],
  });
  return project_id;
}

test("what finished stages recorded is restored once, and later changes are kept", async () => {
  const id = await halfDone();
  const folder = await workspaces.prepare(await repository.get(id), 1);
  expect(await readFile(join(folder, "a/file"), "utf8")).toBe("recorded");
  await writeFile(join(folder, "a/file"), "changed");
  await workspaces.prepare(await repository.get(id), 1);
  expect(await readFile(join(folder, "a/file"), "utf8")).toBe("changed");
});

test("a folder with a damaged manifest, or one that was removed, is restored", async () => {
  const id = await halfDone();
  const folder = await workspaces.prepare(await repository.get(id), 1);
  await writeFile(join(folder, "a/file"), "changed");
  await writeFile(join(root, `${id}.json`), '{"stages":');
  await workspaces.prepare(await repository.get(id), 1);
  expect(await readFile(join(folder, "a/file"), "utf8")).toBe("recorded");
  await rm(folder, { recursive: true });
  await workspaces.prepare(await repository.get(id), 1);
  expect(await readFile(join(folder, "a/file"), "utf8")).toBe("recorded");
});

test("a day after the end of its build a folder goes, unless it is held", async () => {
  const [ended, held, active, unknown] = [
    await halfDone(),
    await halfDone(),
    await halfDone(),
    "proj_0000000000ff",
  ];
  for (const id of [ended, held, active, unknown]) {
    await mkdir(join(root, id), { recursive: true });
    await utimes(join(root, id), new Date(), new Date());
  }
  for (const id of [ended, held]) await repository.control.cancel(id);
  const left = () => [ended, held, active, unknown].map((id) => existsSync(join(root, id)));
  await workspaces.sweep((id) => id === held);
  expect(left()).toEqual([true, true, true, true]);
  await workspaces.sweep((id) => id === held, Date.now() + DAY_MS + 1000);
  expect(left()).toEqual([false, true, true, false]);
});
