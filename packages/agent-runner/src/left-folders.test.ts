import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createMemoryFileStores } from "@stagefold/core";
import { expect, test } from "vitest";
import { createAgentRunner } from "./index.ts";

test("a runner removes what a killed process left a day ago, and nothing else", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-runner-"));
  try {
    const put = async (path: string, hours: number) => {
      const file = join(folder, path, "file");
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, "x", { mode: 0o400 });
      const at = new Date(Date.now() - hours * 60 * 60 * 1000);
      await utimes(join(folder, path), at, at);
    };
    const kept = "a".repeat(64);
    await put("turns/turn-old", 25);
    await put("turns/turn-new", 23);
    await put("versions/.new-old", 25);
    await put("versions/.new-new", 23);
    await put(`versions/${kept}`, 1000);
    const problems: unknown[] = [];
    createAgentRunner({
      artifacts: createMemoryFileStores().artifacts,
      filesOf: async () => [],
      folder,
      env: {},
      secrets: { get: async () => new Map() },
      spending: { isOver: async () => false, add: async () => undefined },
      model: () => undefined,
      onProblem: (problem) => problems.push(problem),
    });
    await expect.poll(() => readdir(join(folder, "turns"))).toEqual(["turn-new"]);
    await expect
      .poll(async () => (await readdir(join(folder, "versions"))).sort())
      .toEqual([".new-new", kept]);
    expect(problems).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
