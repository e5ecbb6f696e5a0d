import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, ended, openBench, stageOf } from "./harness.ts";

const one = (name: string, fields: string) => `name: ${name}\nstages: [{ stage: s, ${fields} }]\n`;
const files = {
  "hungry.yaml": one(
    "hungry",
    `memory_mb: 100, command: "head -c 400m /dev/zero | tail | wc -c; echo survived"`,
  ),
  "frugal.yaml": one("frugal", `memory_mb: 100, command: "head -c 1m /dev/zero | tail | wc -c; sleep 1"`),
  "crash.yaml": one("crash", `memory_mb: 100, command: "kill -SEGV $$"`),
  "inner.yaml": one("inner", `command: "sh -c 'kill -KILL $$'; exit $?"`),
  "missing.yaml": one(
    "missing",
    `command: "no-such-program-here --version", retry: { attempts: 2, backoff_seconds: 0 }`,
  ),
  "cleans.yaml": one(
    "cleans",
    `timeout_seconds: 1, command: "trap 'sleep 1; echo clean > clean; exit 0' TERM; touch begun; while :; do sleep 0.1; done"`,
  ),
};

let bench: Bench;

beforeAll(async () => {
  bench = await openBench({ files, leaseMs: 60_000 });
  bench.worker({ timings: { stopGraceMs: 5000 } }).start();
});
afterAll(() => bench[Symbol.asyncDispose]());

// Skipped when signals or memory cannot be told as on Linux.
test.runIf(process.platform === "linux").each([
  [
    "crash",
    "The command was killed (SIGSEGV), it touched memory that is not its own.",
    { signal: "SIGSEGV" },
  ],
  [
    "inner",
    "The command exited with 137: killed (SIGKILL), often for want of memory.",
    { exit_code: 137, signal: "SIGKILL" },
  ],
])("%s: how a command ended is said in words and in fields", async (name, message, fields) => {
  const project = await bench.until(await bench.create(name), ended);
  expect(project.error_info).toMatchObject({ code: "STAGE_FAILED", message, ...fields });
  expect(stageOf(project, "s")).toMatchObject(fields);
});

test("missing: each attempt keeps how it ended", async () => {
  const project = await bench.until(await bench.create("missing"), ended);
  expect(project.error_info?.message).toBe("The command exited with 127: command not found.");
  expect(stageOf(project, "s")).toMatchObject({ attempt: 2, exit_code: 127 });
  expect(stageOf(project, "s").history).toMatchObject([{ attempt: 1, exit_code: 127 }]);
});

// Skipped when signals or memory cannot be told as on Linux.
test.runIf(process.platform === "linux")("hungry: too much memory ends a stage and is no crash", async () => {
  const project = await bench.until(await bench.create("hungry"), ended);
  expect(project.error_info).toMatchObject({ code: "STAGE_FAILED", signal: "SIGKILL" });
  expect(project.error_info?.message).toMatch(
    /^The stage was ended because its processes had \d+ MB of memory; its limit is 100 MB\.$/,
  );
  expect(await bench.logOf(project, "s")).not.toContain("survived");
  expect((await bench.until(await bench.create("frugal"), ended)).status).toBe("completed");
});

test("cleans: a stage that is stopped gets time to clean up", async () => {
  const id = await bench.create("cleans");
  const project = await bench.until(id, ended);
  expect(project.error_info).toMatchObject({ code: "STAGE_TIMEOUT" });
  expect(await readFile(join(bench.folder, "data/work", id, "clean"), "utf8")).toBe("clean\n");
});
