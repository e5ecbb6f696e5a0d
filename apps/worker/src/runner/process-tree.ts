import { readdirSync, readFileSync } from "node:fs";
import { errorCode } from "@stagefold/node-files";

/** Who belongs to a stage besides its runner's process group: the runner's session, and who carries the stage's names. */
export interface Membership {
  /** The process that leads group and session. */
  readonly leader: number;
  /** `NAME=value` entries that all must be in a process's first environment; none: only the session counts. */
  readonly tags: readonly string[];
}

/** Numbers that are looked at one by one; beyond them a list of all processes is shorter. */
const FEW = 64;

/**
 * The running processes of a stage, its runner left out; undefined where the system has no /proc to tell.
 * A program may leave the group (job control) or the session (setsid): the tags still find it.
 * `since` (see `newestPid`) leaves out those that were there before: each look reads two files, and a machine has
 * hundreds of processes.
 */
export function membersOf(stage: Membership, since?: number): number[] | undefined {
  const pids = (since === undefined ? undefined : madeSince(since)) ?? allPids();
  return pids?.filter((pid) => pid !== stage.leader && pid !== process.pid && belongs(pid, stage));
}

/**
 * The number that the system gave last to a process or thread, for `since`; undefined where it does not tell. One small
 * file instead of the list of all processes, before and after each stage.
 */
export function newestPid(): number | undefined {
  const newest = Number.parseInt(
    orNone(() => readFileSync("/proc/sys/kernel/ns_last_pid", "latin1")) ?? "",
    10,
  );
  return newest > 0 ? newest : undefined;
}

/** Undefined when they are too many, or the numbers have begun anew. */
function madeSince(since: number): number[] | undefined {
  const newest = newestPid();
  if (newest === undefined || newest < since || newest - since > FEW) return undefined;
  return Array.from({ length: newest - since }, (_, i) => since + 1 + i);
}

/** SIGKILL to the whole stage, its runner included. Returns those that may not be killed. */
export function killAll(stage: Membership): number[] {
  const refused = new Set<number>();
  // A process that forks while it is looked for may be missed once; it cannot escape every round.
  for (let round = 0; round < 5; round++) {
    const members = membersOf(stage) ?? [];
    for (const pid of members) send(pid, "SIGKILL", refused);
    // The group last: it may be the caller's own.
    send(-stage.leader, "SIGKILL", refused);
    if (members.length === 0) break;
  }
  return [...refused];
}

/** Sends a signal to the stage's processes, but not to its runner. False where they cannot be told. */
export function signalMembers(stage: Membership, signal: NodeJS.Signals): boolean {
  const members = membersOf(stage);
  for (const pid of members ?? []) send(pid, signal, new Set());
  return members !== undefined;
}

function send(pid: number, signal: NodeJS.Signals, refused: Set<number>): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EPERM") refused.add(pid);
    else if (code !== "ESRCH") throw error;
  }
}

function allPids(): number[] | undefined {
  return orNone(() => readdirSync("/proc"))?.flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

function belongs(pid: number, stage: Membership): boolean {
  const stat = readOf(pid, "stat");
  // "pid (name) state ppid pgrp session …"; the name may have spaces and brackets.
  const [state, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || state === "" || state === "Z" || state === "X") return false;
  if (Number(group) === stage.leader || Number(session) === stage.leader) return true;
  if (stage.tags.length === 0) return false;
  const given = new Set(readOf(pid, "environ").split("\0"));
  return stage.tags.every((tag) => given.has(tag));
}

/** Empty for a process that is gone or that belongs to someone else. */
function readOf(pid: number, file: string): string {
  return orNone(() => readFileSync(`/proc/${pid}/${file}`, "utf8")) ?? "";
}

/** Undefined for what is not there, or not for this user to read. */
function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw error;
  }
}
