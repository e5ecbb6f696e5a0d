import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isDead, workerIdentity } from "./worker-identity.ts";

test("a process is gone only when that is proven", async () => {
  const mine = workerIdentity();
  expect(mine).toMatch(/^worker-.+-[0-9a-f]{8}-\d+-\d+-[0-9a-f]{8}$/);
  expect(isDead(mine)).toBe(false);
  const named = (pid: number, birth = "1") => mine.replace(/-\d+-\d+-([0-9a-f]+)$/, `-${pid}-${birth}-$1`);
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isDead(named(child.pid ?? 0))).toBe(true);
  // Another machine's, and names of other programs: nothing is known of them.
  expect(isDead(mine.replace(/-[0-9a-f]{8}-(?=\d)/, "-00000000-"))).toBe(false);
  expect(isDead("runner-host-4711")).toBe(false);
});

// Skipped off Linux: it needs the start times of /proc.
test.skipIf(process.platform !== "linux")(
  "a number that another process has now does not hide the end of the first",
  () => {
    const mine = workerIdentity();
    expect(isDead(mine.replace(/-\d+-([0-9a-f]+)$/, "-1-$1"))).toBe(true);
  },
);
