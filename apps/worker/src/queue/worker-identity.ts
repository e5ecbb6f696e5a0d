import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { identityOf, isGone } from "@stagefold/node-files";

/**
 * A name for an owner of leases: `worker-<host>-<machine>-<pid>-<birth>-<random>`. A process on the same machine can
 * tell from it, without doubt, whether the process that bears it still lives.
 */
export function workerIdentity(): string {
  const { machine = "00000000", birth = "0" } = identityOf(process.pid) ?? {};
  return `worker-${hostname()}-${machine}-${process.pid}-${birth}-${randomBytes(4).toString("hex")}`;
}

/** True when it is proven that the process of this name is gone; false also when nothing can be known. */
export function isDead(owner: string): boolean {
  const [, machine, pid, birth] = /-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}$/.exec(owner) ?? [];
  if (machine === undefined || birth === undefined) return false;
  return isGone({ machine, pid: Number(pid), birth }) === true;
}
