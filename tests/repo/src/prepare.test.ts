import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { acquireLock, identityOf, isGone, type ProcessIdentity } from "@stagefold/node-files";
import { afterEach, beforeEach, expect, it } from "vitest";
import { endProcessesOf } from "../../../scripts/lib/marked-processes.mjs";
import { isAboutOurs } from "../../../tooling/bundle/warnings.mjs";
import { root } from "./support/tree.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stagefold-prepare-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const urlOf = (path: string) => JSON.stringify(pathToFileURL(join(root, path)).href);

// As `npm start` does: takes the lock, marks what it starts, and starts what has a session of its own, as turbo's tasks do.
const BUILDER = `
  import { spawn } from "node:child_process";
  const { acquireLock } = await import(${urlOf("packages/node-files/src/lock.mjs")});
  const { markProcesses } = await import(${urlOf("scripts/lib/marked-processes.mjs")});
  const { toolEnv } = await import(${urlOf("scripts/lib/run.mjs")});
  const lock = await acquireLock(process.argv[1]);
  markProcesses(lock.id);
  const task = spawn("sh", ["-c", "trap '' TERM; while true; do sleep 0.1; done"], { env: toolEnv, detached: true, stdio: "ignore" });
  process.stdout.write(String(task.pid));
  setInterval(() => {}, 1000);
`;

// Skipped where the system does not show the environments of processes.
it.skipIf(process.platform !== "linux")(
  "W11: npm start killed with -9 while it builds: the next one ends what is left before it begins",
  async () => {
    const path = join(folder, "lock");
    const builder = spawn(process.execPath, ["--input-type=module", "-e", BUILDER, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [pid] = await once(builder.stdout, "data");
    const task = identityOf(Number(pid)) as ProcessIdentity;
    await expect(acquireLock(path, { wait: false })).rejects.toThrow("has the lock");
    builder.kill("SIGKILL");
    await once(builder, "exit");
    expect(isGone(task)).toBe(false);
    let ended = 0;
    const lock = await acquireLock(path, {
      onStale: async ({ id }) => {
        ended = await endProcessesOf(id);
      },
    });
    expect(isGone(task)).toBe(true);
    expect(ended).toBeGreaterThan(0);
    lock.release();
  },
);

it("W11: only a warning about our own code stops a build", () => {
  const timings = { message: "plugins took long", code: "PLUGIN_TIMINGS" };
  const theirs = { message: "eval", code: "EVAL", id: "/a/node_modules/b/c.js", exporter: "d" };
  const ours = { message: "eval", code: "EVAL", id: "/a/apps/api/dist/main.js" };
  const cycle = {
    message: "circular",
    code: "CIRCULAR_DEPENDENCY",
    ids: ["/a/node_modules/b.js", "/a/apps/c.js"],
  };
  expect([timings, theirs, ours, cycle].map(isAboutOurs)).toEqual([false, false, true, true]);
});
