import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { writeExport } from "./export-files.ts";
import { start } from "./run.ts";

const SIZE = { projects: SOAK ? 1000 : 300, artifacts: 10 };
const MEMORY_MB = 300;

/** The most memory that a process has had, in megabytes; 0 once it is gone. */
async function peakOf(pid: number | undefined): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return 0;
    throw error;
  }
}

test("thousands of rows cost about one request a project, and bounded memory", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-size-"));
  try {
    const paths = await writeExport(join(folder, "export"), SIZE);
    const child = start(["import", "--json", ...Object.values(paths)], {
      STAGEFOLD_DATA_DIR: join(folder, "data"),
    });
    if (!child.stdout) throw new Error("expected the output to be piped");
    const answer = text(child.stdout);
    const ended = once(child, "exit");
    let peak = 0;
    while (child.exitCode === null && child.signalCode === null) {
      peak = Math.max(peak, await peakOf(child.pid));
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
    const summary = JSON.parse(await answer);
    expect(summary).toMatchObject({ projects: { created: SIZE.projects } });
    expect(summary.merged).toBe(summary.rows);
    expect(summary.rows).toBeGreaterThan(SIZE.projects * SIZE.artifacts);
    expect(summary.requests / SIZE.projects).toBeLessThan(1.2);
    expect(peak).toBeLessThan(MEMORY_MB);
    // The system says how much it was, where it is Linux.
    expect(peak > 0).toBe(existsSync("/proc/self/status"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
