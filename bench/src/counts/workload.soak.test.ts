import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { countWorkload } from "./workload.ts";

// Fewer builds than the benchmark counts: what each asks for is the same.
const BUILDS = 16;

it("the workload costs no more requests, write units and bytes than it did", async () => {
  // Its processes run from what was built, and so does what starts them.
  const script = join(import.meta.dirname, "../../dist/count.js");
  const { stdout } = await promisify(execFile)(process.execPath, [script, "--workload", String(BUILDS)]);
  const { stagefold, replaced }: Awaited<ReturnType<typeof countWorkload>> = JSON.parse(stdout);
  expect(stagefold.refused).toBe(0);
  // One claim, one first start, and the end of each of six stages: nothing that a stage says costs a write of its own.
  expect(stagefold.visible_writes).toBe(8 * BUILDS);
  expect(stagefold.item_bytes).toBeLessThanOrEqual(8 * 1024);
  // A machine so slow that leases have to be renewed in the middle adds a few units.
  expect(stagefold.write_units / BUILDS).toBeLessThanOrEqual(64);
  expect(stagefold.write_units / replaced.write_units).toBeLessThanOrEqual(0.25);
});
