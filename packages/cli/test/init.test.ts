import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { run } from "./run.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-init-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("init says in one sentence what the disk refuses", async () => {
  await writeFile(join(folder, "file"), "");
  const inFile = await run(["init", join(folder, "file"), "--no-install"]);
  expect(inFile).toMatchObject({ code: 1, stdout: "" });
  expect(inFile.stderr).toMatch(/^stagefold: cannot save .*\(ENOTDIR\)\n$/);
  // A file where the template has a folder.
  await writeFile(join(folder, "pipelines"), "");
  const between = await run(["init", folder, "--no-install"]);
  expect(between.code).toBe(1);
  expect(between.stderr).toMatch(/^stagefold: cannot save .*pipelines.*\(?E[A-Z]+\)?\n$/);
});

test("init says that the files are written when the package manager is not there", async () => {
  await writeFile(join(folder, "pnpm-lock.yaml"), "");
  vi.stubEnv("PATH", join(folder, "none"));
  const { code, stderr } = await run(["init", folder]);
  expect(code).toBe(1);
  expect(stderr).toContain("stagefold: cannot start pnpm (ENOENT); the files are written");
  expect(
    JSON.parse(await readFile(join(folder, "package.json"), "utf8")).dependencies.stagefold,
  ).toBeDefined();
});
