import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { BuildCount } from "./count-build.ts";
import { writeUnits } from "./write-units.ts";

describe("what a build costs", () => {
  it("at most one request per transition, few write units, a small item", async () => {
    // As `npm run count` does, from what was built.
    const script = join(import.meta.dirname, "../dist/count.js");
    const { stdout } = await promisify(execFile)(process.execPath, [
      script,
      "--json",
      "A calculator for simple arithmetic",
    ]);
    const count: BuildCount = JSON.parse(stdout);
    expect(count).toMatchObject({ status: "completed", refused: 0 });
    // Create, claim, the first start, and the end of each of six stages with the start of the next. A slow machine
    // may add a write of what was gathered meanwhile.
    expect(count.visible_writes).toBeGreaterThanOrEqual(9);
    expect(count.writes).toBeLessThanOrEqual(count.transitions);
    expect(count.item_bytes).toBeLessThan(8 * 1024);
    expect(count.write_units).toBeLessThan(90);
  });

  it("counts the whole item, and the entries of the indexes that changed", () => {
    const item = {
      project_id: "p",
      status: "queued",
      created_at: "2026-01-01T00:00:00.000Z",
      padding: "x".repeat(2800),
    };
    // Three kilobytes, and a new entry in the status index.
    expect(writeUnits(undefined, item)).toBe(4);
    expect(writeUnits(item, { ...item, padding: "y".repeat(2800) })).toBe(3);
    // The entry moves: one goes, one comes.
    expect(writeUnits(item, { ...item, status: "building" })).toBe(5);
    expect(writeUnits(item, { ...item, project_name: "n" })).toBe(4);
  });
});
