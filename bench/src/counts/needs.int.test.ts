import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { costOfNeeds, type NeedsCounts } from "./needs.ts";

it("six stages cost the same requests with and without needs", async () => {
  const script = join(import.meta.dirname, "../../dist/count.js");
  const { stdout } = await promisify(execFile)(process.execPath, [script, "--needs"]);
  const counts: NeedsCounts = JSON.parse(stdout);
  expect(costOfNeeds(counts)).toEqual([]);
  const { without, row, pairs } = counts;
  expect(without).toMatchObject({ writes: 8, needs_bytes: 0 });
  expect(row.needs_bytes).toBeGreaterThan(0);
  expect(pairs.needs_bytes).toBeGreaterThan(row.needs_bytes);

  // One write more, or something more in the item, is seen.
  const dearer = { ...pairs, writes: 9, item_bytes: pairs.item_bytes + 100 };
  expect(costOfNeeds({ without, row, pairs: dearer })).toHaveLength(2);
});
