import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { codeOf } from "../code-of.ts";

/**
 * A name for a holder of leases: `worker-<host>-<machine>-<pid>-<birth>-<random>`. A process on the same machine can
 * tell from it, without doubt, whether the process that bears it still lives.
 */
export function workerIdentity(): string {
  const birth = processOf("self")?.birth ?? "0";
  return `worker-${hostname()}-${machine()}-${process.pid}-${birth}-${randomBytes(4).toString("hex")}`;
}

/** True when it is proven that the process of this name is gone; false also when nothing can be known. */
export function isDead(owner: string): boolean {
  const [, on, pid, birth] = /-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}$/.exec(owner) ?? [];
  if (pid === undefined || on !== machine()) return false;
  if (process.platform !== "linux") return !answers(Number(pid));
  const found = processOf(pid);
  return found === undefined || found.birth !== birth || found.dead;
}

/** The machine since its start and, where processes are numbered apart in containers, the container. */
function machine(): string {
  const about = [
    hostname(),
    quietly(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")),
    quietly(() => readlinkSync("/proc/self/ns/pid")),
  ];
  return createHash("sha256").update(about.join("\n")).digest("hex").slice(0, 8);
}

/** What Linux says of a process: when it began, in ticks since the start, and whether it only waits to be reaped. */
function processOf(pid: string): { birth: string; dead: boolean } | undefined {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The name, in parentheses, may have spaces and parentheses of its own. Then: state, …, the 20th is the start.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const birth = fields[19];
  return birth === undefined ? undefined : { birth, dead: fields[0] === "Z" || fields[0] === "X" };
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, but another user's.
    return codeOf(error) === "EPERM";
  }
}

/** Off Linux there is nothing to read, and that tells nothing. */
function quietly(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
