import { readdirSync, readFileSync } from "node:fs";

/** Who belongs to a stage besides its host's process group: the host's session, and who carries the stage's names. */
export interface Membership {
  /** The process that leads group and session. */
  readonly leader: number;
  /** `NAME=value` entries that all must be in a process's first environment; none: only the session counts. */
  readonly marks: readonly string[];
}

/**
 * The running processes of a stage, its host left out; undefined where the system has no /proc to tell.
 * A program may leave the group (job control) or the session (setsid): the marks still find it.
 * Those in `before` are not looked at: each look reads two files, and a machine has hundreds of processes.
 */
export function membersOf(stage: Membership, before?: ReadonlySet<number>): number[] | undefined {
  const pids = allPids();
  return pids?.filter(
    (pid) => pid !== stage.leader && pid !== process.pid && before?.has(pid) !== true && belongs(pid, stage),
  );
}

/** The processes that there are, for `before`; empty where the system has no /proc to tell. */
export function presentPids(): ReadonlySet<number> {
  return new Set(allPids());
}

/** SIGKILL to the whole stage, its host included. Returns those that may not be killed. */
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

/** Sends a signal to the stage's processes, but not to its host. False where they cannot be told. */
export function signalMembers(stage: Membership, signal: NodeJS.Signals): boolean {
  const members = membersOf(stage);
  for (const pid of members ?? []) send(pid, signal, new Set());
  return members !== undefined;
}

function send(pid: number, signal: NodeJS.Signals, refused: Set<number>): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EPERM") refused.add(pid);
    else if (code !== "ESRCH") throw error;
  }
}

function allPids(): number[] | undefined {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function belongs(pid: number, stage: Membership): boolean {
  const stat = readOf(pid, "stat");
  // "pid (name) state ppid pgrp session …"; the name may have spaces and brackets.
  const [state, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || state === "" || state === "Z" || state === "X") return false;
  if (Number(group) === stage.leader || Number(session) === stage.leader) return true;
  if (stage.marks.length === 0) return false;
  const given = new Set(readOf(pid, "environ").split("\0"));
  return stage.marks.every((mark) => given.has(mark));
}

/** Empty for a process that is gone or that belongs to someone else. */
function readOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return "";
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
