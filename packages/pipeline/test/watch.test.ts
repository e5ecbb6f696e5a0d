import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { definitionDigest, loadPipelines, watchPipelines } from "../src/index.ts";

const yaml = (command: string) => `name: one\nstages: [{ stage: a, command: ${JSON.stringify(command)} }]\n`;
const module = (text: string) => `
import { definePipeline } from "@stagefold/pipeline";
import { said } from "./_helper.ts";
export default definePipeline({ name: "two", stages: [{ stage: "a", run: () => ({ said, text: "${text}" }) }] });
`;

test("a changed file is read again within a second, a bad one is named and harmless, and earlier ones are remembered", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-watch-"));
  const changes: string[][] = [];
  await writeFile(join(folder, "one.yaml"), yaml("echo 1"));
  await writeFile(join(folder, "two.ts"), module("first"));
  await writeFile(join(folder, "_helper.ts"), 'export const said = "a";\n');
  const onChange = (problems: readonly Error[]) => changes.push(problems.map(({ message }) => message));
  await using pipelines = await watchPipelines(folder, { onChange });
  try {
    const digests = () => pipelines.list().map((pipeline) => definitionDigest(pipeline));
    const before = digests();
    expect(before).toHaveLength(2);
    await writeFile(join(folder, "one.yaml"), yaml("echo 2"));
    await expect.poll(() => digests()[0]).not.toBe(before[0]);
    expect(digests()[1]).toBe(before[1]);
    expect(pipelines.past("one", before[0] ?? "")?.stages[0]?.action).toMatchObject({ command: "echo 1" });
    // What a module imports from beside itself is part of it.
    await writeFile(join(folder, "_helper.ts"), 'export const said = "b";\n');
    await expect.poll(() => digests()[1]).not.toBe(before[1]);
    await writeFile(join(folder, "one.yaml"), "name: one\nstages: [{ stage: a, comand: x }]\n");
    await expect.poll(() => pipelines.problems().length).toBe(1);
    expect(pipelines.problems()[0]?.message).toContain("did you mean command?");
    expect(pipelines.list().map(({ name }) => name)).toEqual(["two"]);
    expect(changes.at(-1)).toHaveLength(1);
    await writeFile(join(folder, "one.yaml"), yaml("echo 1"));
    await expect.poll(() => digests().length).toBe(2);
    expect(digests()[0]).toBe(before[0]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a module that never settles keeps no other file from being read again, not even other modules", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-watch-"));
  await writeFile(join(folder, "one.yaml"), yaml("echo 1"));
  await writeFile(join(folder, "two.ts"), module("first"));
  await writeFile(join(folder, "_helper.ts"), 'export const said = "a";\n');
  await using pipelines = await watchPipelines(folder);
  try {
    const digests = () => pipelines.list().map((pipeline) => definitionDigest(pipeline));
    const before = digests();
    const from = performance.now();
    await writeFile(
      join(folder, "hangs.ts"),
      "await new Promise(() => setInterval(() => undefined, 1000));\n",
    );
    await writeFile(join(folder, "one.yaml"), yaml("echo 2"));
    await expect.poll(() => digests()[0]).not.toBe(before[0]);
    await writeFile(join(folder, "_helper.ts"), 'export const said = "b";\n');
    await expect.poll(() => digests()[1]).not.toBe(before[1]);
    // It is named only when its time is over: 30 seconds.
    expect(performance.now() - from).toBeLessThan(25_000);
    expect([pipelines.problems(), digests().length]).toEqual([[], 2]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** What comes of the next processes that are started; those after them are as they are. */
async function withStarts(starts: ("refused" | "slow")[]): Promise<typeof import("../src/index.ts")> {
  vi.doMock("node:child_process", async (original) => {
    const real = await original<typeof import("node:child_process")>();
    const spawn: (...given: Parameters<typeof real.spawn>) => unknown = (file, args, options) => {
      const next = starts.shift();
      if (next === "refused") return real.spawn("/no/such/program", args, options);
      return real.spawn(file, next === "slow" ? ["-c", "sleep 0.8"] : args, options);
    };
    return { ...real, spawn };
  });
  // Test files of one process share what is loaded: it is loaded once more, with what stands in for the system.
  vi.resetModules();
  try {
    return await import("../src/index.ts");
  } finally {
    vi.doUnmock("node:child_process");
    vi.resetModules();
  }
}

test.each<[string, ("refused" | "slow")[]]>([
  ["at once", ["refused"]],
  ["while it is waited for no more", ["slow", "refused"]],
])(
  "a module for which no process could be started was not read until a file changed: %s",
  async (_when, refusals) => {
    const folder = await mkdtemp(join(tmpdir(), "stagefold-watch-"));
    const errors: unknown[] = [];
    await writeFile(join(folder, "one.yaml"), yaml("echo 1"));
    await writeFile(join(folder, "_helper.ts"), 'export const said = "a";\n');
    const starts: typeof refusals = [];
    const load = await withStarts(starts);
    await using pipelines = await load.watchPipelines(folder, { onError: (error) => errors.push(error) });
    try {
      starts.push(...refusals);
      await writeFile(join(folder, "two.ts"), module("first"));
      await writeFile(join(folder, "three.ts"), module("other").replace('"two"', '"three"'));
      await expect.poll(() => pipelines.list().length).toBe(3);
      expect(pipelines.problems()).toEqual([]);
      expect(errors.length).toBe(refusals.length === 1 ? 1 : 0);
      expect(starts).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

// Skipped where there are no users, whose folders others cannot read.
test.runIf(process.getuid !== undefined)(
  "a folder inside that cannot be read, such as lost+found, keeps no pipeline from being read, at first or later",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "stagefold-watch-"));
    const errors: unknown[] = [];
    const isRoot = process.getuid?.() === 0;
    try {
      await mkdir(join(folder, "lost+found"), { mode: 0o000 });
      await writeFile(join(folder, "one.yaml"), yaml("echo 1"));
      await chmod(folder, 0o755);
      // No folder is closed to root. What reads the files is loaded while this process may read its own.
      await loadPipelines(folder);
      if (isRoot) process.seteuid?.(65_534);
      await using pipelines = await watchPipelines(folder, { onError: (error) => errors.push(error) });
      const said = () => pipelines.list().map(({ stages }) => stages[0]?.action);
      expect(said()).toMatchObject([{ command: "echo 1" }]);
      if (isRoot) process.seteuid?.(0);
      await writeFile(join(folder, "one.yaml"), yaml("echo 22"));
      if (isRoot) process.seteuid?.(65_534);
      await expect.poll(() => said()).toMatchObject([{ command: "echo 22" }]);
      expect(errors).toEqual([]);
    } finally {
      if (isRoot) process.seteuid?.(0);
      await rm(folder, { recursive: true });
    }
  },
);
