import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run, runProgram } from "./run.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-check-"));
  await writeFile(join(folder, "good.yaml"), 'name: good\nstages: [{ stage: a, command: "true" }]\n');
  await writeFile(join(folder, "bad.yaml"), "name: bad\nstages:\n  - stage: a\n    comand: x\n");
});
afterAll(() => rm(folder, { recursive: true }));

// No server runs there.
const env = { STAGEFOLD_URL: "http://127.0.0.1:1" };

test("check says what is wrong with file, line and field, without a server, and exits with 1", async () => {
  const good = await run(["check", join(folder, "good.yaml")], env);
  expect(good).toMatchObject({ code: 0, stderr: "" });
  expect(good.stdout).toContain("good.yaml: good, 1 stage");
  const both = await runProgram(["check", folder], env);
  expect(both.code).toBe(1);
  expect(both.stdout).toMatch(
    /bad\.yaml:4, pipeline "bad", stage "a", field comand: .*did you mean command\?/,
  );
  const json = await run(["check", "--json", join(folder, "bad.yaml")], env);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ problems: [{ line: 4, stage: "a", field: "comand" }] });
  const missing = await run(["check", join(folder, "good.yaml"), join(folder, "none.yaml")], env);
  expect(missing.code).toBe(1);
  expect(missing.stdout).toMatch(/✗ \S*none\.yaml: cannot be read: .*\n✓ \S*good\.yaml: good, 1 stage/);
  expect(await run(["check"], env)).toMatchObject({ code: 2 });
});
