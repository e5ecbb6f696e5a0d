import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ArtifactStore,
  createMemoryFileStores,
  MemoryProjectStore,
  Repository,
  scopeOf,
} from "@stagefold/core";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { storeArtifact } from "./artifact-upload.ts";
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

test.each([["recor"], ["recorded, and more"], ["RECORDED"], [""]])(
  "an artifact whose bytes are %j now, and not those that were recorded, is given to no stage",
  async (now) => {
    const id = await halfDone();
    const ref = { project_id: id, stage: "one", attempt: 1, path: "a/file" };
    await store.put(ref, Buffer.from(now));
    const project = await repository.get(id);
    const refused = await workspaces.prepare(project, 1).catch((error: unknown) => error);
    expect(String(refused)).toContain("The artifact a/file of one is damaged: expected ");
    expect(scopeOf(refused)).toBe("project");
    await store.put(ref, Buffer.from("recorded"));
    const folder = await workspaces.prepare(project, 1);
    expect(await readFile(join(folder, "a/file"), "utf8")).toBe("recorded");
  },
);

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

const sh = (cwd: string, script: string) => execFileSync("sh", ["-c", script], { cwd });

/** A project whose first stage is completed and made what a script makes; as its workspace is restored elsewhere. */
async function restored(script: string, paths: readonly string[]): Promise<{ id: string; folder: string }> {
  const { project_id } = await repository.control.create(
    { requirement: "x" },
    { pipeline_version: "1", stages: [{ stage: "one" }, { stage: "two" }] },
  );
  const made = join(root, "made");
  await mkdir(made, { recursive: true });
  sh(made, script);
  const attempt = { project_id, stage: "one", attempt: 1 };
  const artifacts = await Promise.all(paths.map((path) => storeArtifact(store, attempt, made, { path })));
  const [row] = await repository.work.due("agent_builds", 10);
  const claimed = await repository.work.claim(project_id, "w", row?.work_queue);
  if (!claimed) throw new Error("expected a claim");
  await repository.work.report({
    project_id,
    lease_token: claimed.lease_token,
    lease_seq: 1,
    events: [
      { event: "started", stage: "one" },
      { event: "completed", stage: "one", artifacts },
    ],
  });
  const folder = await workspaces.prepare(await repository.get(project_id), 1);
  return { id: project_id, folder };
}

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test("F1: a restored file has the bits that the stage gave it, and a link its content", async () => {
  const { folder } = await restored(
    "mkdir bin; echo 'echo works' > bin/tool; chmod 755 bin/tool; echo s > secret; chmod 600 secret; echo p > plain; chmod 644 plain; echo r > ro; chmod 444 ro; ln -s bin/tool link",
    ["bin/tool", "secret", "plain", "ro", "link"],
  );
  for (const [path, mode] of Object.entries({
    "bin/tool": "755",
    secret: "600",
    plain: "644",
    ro: "444",
    link: "755",
  }))
    expect([path, await modeOf(join(folder, path))]).toEqual([path, mode]);
  expect(String(sh(folder, "./bin/tool && ./link"))).toBe("works\nworks\n");
});

test("F7: what stands where a file is to be restored is replaced, also in folders that may not be written", async () => {
  const { id, folder } = await restored("mkdir -p a/b; echo 1 > a/b/f; echo 2 > g; echo 3 > h", [
    "a/b/f",
    "g",
    "h",
  ]);
  sh(
    folder,
    "rm g h; mkdir -p g/full/deep; touch g/full/deep/x; chmod -R a-w g; ln -s /etc/passwd h; chmod -R a-w a",
  );
  await rm(join(root, `${id}.json`));
  await workspaces.prepare(await repository.get(id), 1);
  expect(String(sh(folder, "cat a/b/f g h"))).toBe("1\n2\n3\n");
  sh(folder, "rm -rf a; ln -s /tmp a");
  await rm(join(root, `${id}.json`));
  await workspaces.prepare(await repository.get(id), 1);
  expect(String(sh(folder, "test ! -L a && cat a/b/f"))).toBe("1\n");
});

test("F7: a workspace with folders that may not be written is removed", async () => {
  const { id, folder } = await restored("echo 1 > f", ["f"]);
  sh(folder, "mkdir -p shut/in; touch shut/in/x; chmod 500 shut/in shut; ln -s /etc link");
  await workspaces.remove(id);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync("/etc/passwd")).toBe(true);
});

test("the folder is there before a stage runs; what a stage has put in its place is its build's doing, a disk the worker's", async () => {
  const id = await halfDone();
  const project = await repository.get(id);
  const folder = await workspaces.prepare(project, 0);
  expect((await stat(folder)).isDirectory()).toBe(true);
  await rm(folder, { recursive: true });
  await writeFile(folder, "a file");
  for (const position of [0, 1])
    expect(scopeOf(await workspaces.prepare(project, position).catch((error: unknown) => error))).toBe(
      "project",
    );
  const log = pino({ level: "silent" });
  const nowhere = new Workspaces(join(folder, "below"), store, repository, log);
  expect(scopeOf(await nowhere.prepare(project, 0).catch((error: unknown) => error))).toBe("worker");
});
