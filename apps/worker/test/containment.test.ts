import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { type Bench, completed, ended, openBench, stageOf } from "./harness.ts";
import { isAlive } from "./processes.ts";

/** Each leaves a process behind that says so again and again, in another way; `NAME` finds it in /proc. */
const DAEMONS: Readonly<Record<string, string>> = {
  plain: `sh -c 'while :; do echo NAME; sleep 0.1; done' &`,
  session: `setsid sh -c 'while :; do echo NAME; sleep 0.1; done' &`,
  environment: `env -i setsid sh -c 'while :; do echo NAME; sleep 0.1; done' &`,
  closed: `env -i setsid sh -c 'cd /; while :; do : NAME; sleep 0.1; done' </dev/null >/dev/null 2>&1 &`,
  double: `env -i sh -c "setsid sh -c '(while :; do echo NAME; sleep 0.1; done) & exit' & exit"; sleep 0.3`,
  titled: `env -i setsid python3 -c 'import ctypes,sys,time
ctypes.CDLL(None).prctl(15, b"redis-server")
while True: print("NAME", flush=True); time.sleep(0.1)' &`,
};

const names = Object.keys(DAEMONS);
const markOf = (name: string) => `left-by-${name}`;
const yaml = (name: string) => `
name: ${name}
stages:
  - stage: leave
    command: |
${(DAEMONS[name] ?? "").replaceAll("NAME", markOf(name)).replace(/^/gm, "      ")}
      echo started
`;
const LATER = `
name: later
stages: [{ stage: s, command: "sleep 1; echo mine" }]
`;
const CODE = `
import { spawn, execSync } from "node:child_process";
import { definePipeline } from "@stagefold/pipeline";
export const spawns = definePipeline({ name: "spawns", stages: [{ stage: "s", run() {
  spawn("sh", ["-c", "while :; do : left-by-spawns; sleep 0.1; done"], { detached: true, stdio: "ignore", env: {} }).unref();
  return {};
} }] });
export const waits = definePipeline({ name: "waits", stages: [{ stage: "s", run() {
  execSync("env -i setsid sh -c 'while :; do : left-by-waits; sleep 0.1; done' </dev/null >/dev/null 2>&1 &");
  return {};
} }] });
`;

let bench: Bench;
beforeAll(async () => {
  const files = Object.fromEntries(names.map((name) => [`${name}.yaml`, yaml(name)]));
  bench = await openBench({ files: { ...files, "later.yaml": LATER, "code.ts": CODE } });
  bench.worker({ concurrency: 1 }).start();
});
afterAll(async () => await bench[Symbol.asyncDispose]());

/** Processes with a text in their command line. */
function running(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text) && isAlive(pid);
      } catch {
        return false;
      }
    });
}

// Skipped where the system has no means to hold on to what a stage starts.
it
  .runIf(process.platform === "linux")
  .each(SOAK ? [...names, "spawns", "waits"] : ["plain", "double", "spawns"])(
  "A4, O10: what a stage leaves running (%s) is gone when the stage ends, and says nothing in another build's log",
  async (name) => {
    const project = await bench.until(await bench.create(name), completed);
    expect(running(markOf(name))).toEqual([]);
    if (name in DAEMONS) expect(await bench.logOf(project, "leave")).toContain("started");
    const later = await bench.until(await bench.create("later"), completed);
    expect(await bench.logOf(later, "s")).toEqual(["mine"]);
  },
);

it("O10: a daemon is gone also when its build is cancelled", async () => {
  await using other = await openBench({
    files: {
      "long.yaml": yaml("environment")
        .replace("name: environment", "name: long")
        .replace("echo started", "sleep 60"),
    },
  });
  other.worker().start();
  const id = await other.create("long");
  await expect.poll(() => running(markOf("environment")).length).toBeGreaterThan(0);
  await other.repository.control.cancel(id);
  await expect.poll(() => running(markOf("environment")), { timeout: 10_000 }).toEqual([]);
  await sleep(300);
  expect(stageOf(await other.until(id, ended), "leave").status).toBe("cancelled");
});
