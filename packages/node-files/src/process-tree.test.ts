import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { killAll, membersOf, newestPid, newTag, underTag } from "./process-tree.ts";

/** At each line that comes: a thread, or a process that stays. */
const LEADER = `
  const { Worker } = require("node:worker_threads");
  const { spawn } = require("node:child_process");
  process.stdin.on("data", (line) => {
    const begun = () => process.stdout.write("begun\\n");
    if (String(line) === "thread\\n") new Worker("setInterval(() => {}, 1000)", { eval: true }).on("online", begun);
    else spawn("sleep", ["1000"]).on("spawn", begun);
  });
  process.stdout.write("ready\\n");
`;

async function startLeader(tag: string): Promise<ChildProcess & { readonly pid: number }> {
  const { file, args } = underTag(tag, [process.execPath, "-e", LEADER]);
  const child = spawn(file, args, { detached: true, stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  if (child.pid === undefined) throw new Error("expected a process");
  return Object.assign(child, { pid: child.pid });
}

// Skipped where the system does not tell the number of its newest process.
test.skipIf(newestPid() === undefined)(
  "O13: a process that the leader started is left of a stage, a thread of the leader is not",
  async () => {
    const tag = newTag();
    const leader = await startLeader(tag);
    const tree = { leader: leader.pid, tag };
    try {
      const begin = async (what: string) => {
        leader.stdin?.write(`${what}\n`);
        if (leader.stdout) await once(leader.stdout, "data");
      };
      const since = newestPid();
      await begin("thread");
      expect(newestPid()).toBeGreaterThan(since ?? 0);
      expect(membersOf(tree, since)).toEqual([]);
      await begin("process");
      expect(membersOf(tree, since)).toHaveLength(1);
      expect(membersOf(tree)).toHaveLength(1);
    } finally {
      killAll(tree);
    }
  },
);
