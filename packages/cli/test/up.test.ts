import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acquireLock } from "@stagefold/node-files";
import { expect, test } from "vitest";
import { until } from "../../../tooling/vitest/until.ts";
import { run } from "./run.ts";
import { serve } from "./server.ts";

test("a second up answers with how its build ended, and says what it ignores", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-up-"));
  await using server = await serve();
  // This process stands for the `up` that serves.
  const lock = await acquireLock(join(folder, "up.lock"));
  await writeFile(join(folder, "up.url"), server.url);
  try {
    const env = { STAGEFOLD_DATA_DIR: folder };
    const second = run(["up", "count words", "--pipelines", "mine"], env);
    const made = await until("the build", async () => (await server.client.projects.list()).items[0]);
    await server.client.projects.cancel({ project_id: made.project_id });
    const { code, stdout, stderr } = await second;
    expect(code).toBe(1);
    expect(stdout).toContain(`created ${made.project_id}`);
    expect(stderr).toContain("--pipelines mine is ignored");
    expect(stderr).not.toContain("keeps running");
    expect((await run(["up"], env)).stdout).toMatch(/^Stagefold runs already at /);
    expect((await run(["up"], env)).stderr).toBe("");
  } finally {
    lock.release();
    await rm(folder, { recursive: true });
  }
});
