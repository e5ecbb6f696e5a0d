import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("a turn costs no more write units than it did", async () => {
  const script = join(import.meta.dirname, "../../dist/bench.js");
  const asked = [script, "--json", "--short", "--only", "turn_units"];
  const { stdout } = await promisify(execFile)(process.execPath, asked);
  const { turn_units } = JSON.parse(stdout);
  expect(turn_units.short).toBeLessThanOrEqual(14);
  expect(turn_units.usual).toBeLessThanOrEqual(30);
});
