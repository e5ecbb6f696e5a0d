import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { beginProgram } from "./program.ts";
import { run } from "./run.ts";
import { serve } from "./server.ts";

let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  server = await serve();
});
afterAll(() => server.close());

const stagefold = (...args: string[]) => run(args, { STAGEFOLD_URL: server.url });
const agent_id = "agent_0123456789ab";
const newBuild = async () => (await server.client.projects.create({ requirement: "x", agent_id })).project_id;
const pathsOf = async (project_id: string, stage: string) =>
  (await server.client.artifacts.listByProject({ project_id, stage })).items.map(({ path }) => path);

test("artifacts are recorded for a stage, added or in place of others, and removed", async () => {
  const id = await newBuild();
  expect(await stagefold("artifacts", "record", id, "agent_design", "a.md", "d/文.md")).toEqual({
    code: 0,
    stdout: `${id} has 2 artifacts\n`,
    stderr: "",
  });
  await stagefold("artifacts", "record", id, "agent_design", "c.md");
  expect(await pathsOf(id, "agent_design")).toEqual(["a.md", "d/文.md", "c.md"]);
  const replaced = await stagefold(
    "artifacts",
    "record",
    id,
    "agent_designer",
    "e.md",
    "--replace",
    "--json",
  );
  expect(JSON.parse(replaced.stdout)).toEqual(await server.client.projects.get({ project_id: id }));
  expect(await pathsOf(id, "agent_design")).toEqual(["e.md"]);
  expect((await stagefold("artifacts", "remove", id, "agent_design")).stdout).toBe(`${id} has 0 artifacts\n`);
  expect(await pathsOf(id, "agent_design")).toEqual([]);
});

test("artifacts are recorded with their details from a file, and from stdin", async () => {
  const id = await newBuild();
  const folder = await mkdtemp(join(tmpdir(), "stagefold-cli-"));
  try {
    const file = join(folder, "list.jsonl");
    await writeFile(file, `{"path":"a.md","size":3,"doc_path":"docs/a.md"}\n\n{"path":"b.md"}\n`);
    expect((await stagefold("artifacts", "record", id, "agent_design", "--from", file)).code).toBe(0);
    const { items } = await server.client.artifacts.listByProject({ project_id: id });
    expect(items).toMatchObject([{ path: "a.md", size: 3, doc_path: "docs/a.md" }, { path: "b.md" }]);
    await writeFile(file, `{"path":"a.md"}\n{"size":3}\n`);
    const wrong = await stagefold("artifacts", "record", id, "agent_design", "--from", file);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("list.jsonl, line 2: expected a JSON object with a path");
    const none = await stagefold("artifacts", "record", id, "agent_design", "--from", join(folder, "none"));
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot read") });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const env = { STAGEFOLD_URL: server.url };
  const stdin = Readable.from(['{"path":"from-stdin.md"}\n']);
  const fromStdin = ["artifacts", "record", id, "agent_design", "--from", "-"];
  expect((await run(fromStdin, env, { stdin })).code).toBe(0);
  expect(await pathsOf(id, "agent_design")).toEqual(["a.md", "b.md", "from-stdin.md"]);
});

test("artifacts of an agent come from all of its builds, twenty unless asked for more", async () => {
  const agent = "agent_00000000000b";
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { project_id } = await server.client.projects.create({ requirement: "x", agent_id: agent });
    const artifacts = Array.from({ length: 10 }, (_, i) => ({ path: `f${i}`, size: i }));
    await server.client.artifacts.record({ project_id, stage: "agent_design", artifacts, mode: "add" });
    ids.push(project_id);
  }
  const twenty = await stagefold("artifacts", "agent", agent);
  expect(twenty.stdout.trim().split("\n")).toHaveLength(21);
  expect(twenty.stdout).toMatch(new RegExp(`^${ids[2]} +0 B {2}agent_design {2}f0$`, "m"));
  expect(twenty.stderr).toContain("--all");
  const all = JSON.parse((await stagefold("artifacts", "agent", agent, "--all", "--json")).stdout);
  expect(all.items).toHaveLength(30);
  expect(all.next_cursor).toBeNull();
  const other = await stagefold("artifacts", "agent", "agent_00000000000c");
  expect(other).toEqual({ code: 0, stdout: "", stderr: "no artifacts\n" });
});

test("a running stage, an unknown stage and a path that leads out are refused", async () => {
  const { project_id, report } = await beginProgram(server.client);
  await report(
    { event: "started", stage: "one" },
    { event: "artifacts", stage: "one", artifacts: [{ path: "its-own" }] },
  );
  for (const [args, code] of [
    [["record", project_id, "one", "a"], "STAGE_CONFLICT"],
    [["remove", project_id, "one"], "STAGE_CONFLICT"],
    [["record", project_id, "nine", "a"], "STAGE_NOT_FOUND"],
    [["record", project_id, "two", "../a"], "INVALID_INPUT"],
  ] as const) {
    const refused = await stagefold("artifacts", ...args, "--json");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code } });
  }
});

// Skipped elsewhere: only Linux has a folder that is there and takes no others.
test.skipIf(process.platform !== "linux")("a folder that cannot be made is told of", async () => {
  const { project_id, lease_token, report } = await beginProgram(server.client);
  await report({ event: "started", stage: "one" });
  const at = { project_id, stage: "one", attempt: 1, path: "d/a.txt" };
  const made = await server.client.artifacts.upload({ ...at, lease_token, content: "x" });
  await report({ event: "artifacts", stage: "one", artifacts: [made] });
  const refused = await stagefold("artifacts", project_id, "--download", "/proc/none/such");
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(
    /^not saved: d\/a\.txt: cannot save \/proc\/none\/such\/d\/a\.txt: .* \(ENOENT\)\n$/,
  );
});

test("L17, C2, F1: names that the disk cannot keep are saved safely and said, modes are kept, and the rest continues", async () => {
  const { project_id, lease_token, report } = await beginProgram(server.client);
  await report({ event: "started", stage: "one" });
  const long = `${"n".repeat(240)}.txt`;
  const tooLong = `${"ü".repeat(120)}.bin`;
  const paths = ["first", "bin/tool", long, tooLong, "README", "readme", "a b", "100%", "last"];
  const made = [];
  for (const path of paths) {
    const at = { project_id, stage: "one", attempt: 1, path, lease_token };
    made.push({ ...(await server.client.artifacts.upload({ ...at, content: path })), path });
  }
  const executable = made.map((one) => (one.path === "bin/tool" ? { ...one, executable: true } : one));
  await report({ event: "artifacts", stage: "one", artifacts: executable });
  const folder = await mkdtemp(join(tmpdir(), "stagefold-cli-"));
  try {
    // Stands where the file "first" is to go.
    await mkdir(join(folder, "first"));
    const saved = await stagefold("artifacts", project_id, "--download", folder);
    expect(saved.code).toBe(0);
    expect(saved.stderr).toContain("first was saved under another name: there is a folder of this name");
    expect(saved.stderr).toContain("README and readme are one file on systems that ignore case");
    for (const path of paths.filter((one) => one !== "first"))
      expect(await readFile(join(folder, path), "utf8")).toBe(path);
    const names = await readdir(folder);
    const safe = names.find((name) => /^first~[0-9a-f]{12}$/.test(name));
    expect(await readFile(join(folder, safe ?? "none"), "utf8")).toBe("first");
    expect((await stat(join(folder, "bin/tool"))).mode & 0o111).not.toBe(0);
    expect((await stat(join(folder, "a b"))).mode & 0o111).toBe(0);
    expect(names.filter((name) => name.endsWith(".part"))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a file that its owner alone may read was saved for all to read", async () => {
  const { project_id, lease_token, report } = await beginProgram(server.client);
  await report({ event: "started", stage: "one" });
  const modes = { secret: "0600", tool: "4711", closed: "0000", usual: undefined };
  const made = [];
  for (const [path, mode] of Object.entries(modes)) {
    const at = { project_id, stage: "one", attempt: 1, path, lease_token };
    made.push({ ...(await server.client.artifacts.upload({ ...at, content: path })), path, mode });
  }
  await report({ event: "artifacts", stage: "one", artifacts: made });
  const folder = await mkdtemp(join(tmpdir(), "stagefold-cli-"));
  try {
    expect((await stagefold("artifacts", project_id, "--download", folder)).code).toBe(0);
    const found = made.map(async ({ path }) => (await stat(join(folder, path))).mode & 0o7777);
    expect(await Promise.all(found)).toEqual([0o600, 0o711, 0o400, 0o666 & ~process.umask()]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("L17: an artifact that was changed in the store is not saved, and those after it are", async () => {
  const { project_id, lease_token, report } = await beginProgram(server.client);
  await report({ event: "started", stage: "one" });
  const made = [];
  for (const path of ["a", "b", "c"]) {
    const at = { project_id, stage: "one", attempt: 1, path, lease_token };
    made.push({ ...(await server.client.artifacts.upload({ ...at, content: path })), path });
  }
  await report({ event: "artifacts", stage: "one", artifacts: made });
  await server.artifacts.put(
    { project_id, stage: "one", attempt: 1, path: "b" },
    new TextEncoder().encode("x"),
  );
  const folder = await mkdtemp(join(tmpdir(), "stagefold-cli-"));
  try {
    const saved = await stagefold("artifacts", project_id, "--download", folder);
    expect(saved).toMatchObject({ code: 1, stderr: expect.stringMatching(/^not saved: b: /) });
    expect((await readdir(folder)).sort()).toEqual(["a", "c"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.each([
  ["no command", [], /expected a command/],
  ["an unknown command", ["frob"], /^unknown command 'frob'/],
  ["an unknown option", ["ls", "--nope"], /^unknown option '--nope'/],
  ["a bad id", ["show", "proj_1"], /expected the id of a build/],
  ["nothing to record", ["artifacts", "record", "proj_000000000000", "one"], /expected paths/],
  ["a bad agent", ["artifacts", "agent", "x"], /expected the id of an agent/],
])("wrong usage (%s) is told in JSON when asked", async (_name, args, message) => {
  const { code, stdout, stderr } = await stagefold(...args, "--json");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(JSON.parse(stderr).error.message).toMatch(message);
});
