import { randomInt } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { errorCode } from "./error-code.mjs";

/**
 * How the processes of a stage or of an agent are found. Group and session of their leader find most; a daemon leaves
 * both, gets another parent, may have an empty environment, no open files and a title of its own. What it cannot help
 * inheriting is its resource limits: each leader is started under a limit that no other has, of a kind that no system
 * enforces (the resident set; Linux ignores it since 2.4.30), so large that programs that look at it are not held back.
 * A program may lower its own limits: this finds everything that is left behind, not everything that hides.
 */
export interface ProcessTree {
  /** The process that was started first: it leads a group and a session. */
  readonly leader: number;
  /** The limit, in bytes, as `/proc/<pid>/limits` writes it. */
  readonly tag: string;
}

/** Kilobytes: from four petabytes, in a range that a JavaScript number holds exactly in bytes too. */
const TAG_KB = 2 ** 42;
const TAG_RANGE = 2 ** 42;

export function newTag(): string {
  return String((TAG_KB + randomInt(TAG_RANGE)) * 1024);
}

/**
 * A command line that runs another one under a tag. A system where that limit may not be set runs it all the same:
 * group and session are left to tell its processes by.
 */
export function underTag(tag: string, command: readonly string[]): { file: string; args: string[] } {
  const script = 'ulimit -m "$0" 2>/dev/null; exec "$@"';
  return { file: "/bin/sh", args: ["-c", script, String(Number(tag) / 1024), ...command] };
}

/** Pids that are looked at one by one; beyond them a list of all processes is shorter. */
const MAX_SINGLE_READS = 64;

/**
 * The running processes of a tree, without its leader; undefined where the system has no /proc to tell.
 * `since` (see `newestPid`) leaves out those that were there before: a machine has hundreds of processes.
 */
export function membersOf(tree: ProcessTree, since?: number): number[] | undefined {
  const pids = (since === undefined ? undefined : startedSince(since)) ?? allPids();
  return pids?.filter(
    (pid) => pid !== tree.leader && pid !== process.pid && belongs(pid, tree) && !isThread(pid),
  );
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
function startedSince(since: number): number[] | undefined {
  const newest = newestPid();
  if (newest === undefined || newest < since || newest - since > MAX_SINGLE_READS) return undefined;
  return Array.from({ length: newest - since }, (_, i) => since + 1 + i);
}

/** Bytes of memory that the running processes of a tree have for themselves; undefined where /proc does not tell. */
export function memoryOf(tree: ProcessTree, withLeader: boolean): number | undefined {
  const members = membersOf(tree);
  if (members === undefined || !/^RssAnon:/m.test(readOf(process.pid, "status"))) return undefined;
  let kilobytes = 0;
  for (const pid of withLeader ? [tree.leader, ...members] : members)
    kilobytes += Number(/^RssAnon:\s+(\d+) kB/m.exec(readOf(pid, "status"))?.[1] ?? 0);
  return kilobytes * 1024;
}

/** SIGKILL to the whole tree, its leader included. Returns those that may not be killed. */
export function killAll(tree: ProcessTree): number[] {
  const refused = new Set<number>();
  // A process that forks while it is looked for may be missed once; it cannot escape every round.
  for (let round = 0; round < 5; round++) {
    const members = membersOf(tree) ?? [];
    for (const pid of members) send(pid, "SIGKILL", refused);
    // The group last: it may be the caller's own.
    send(-tree.leader, "SIGKILL", refused);
    if (members.length === 0) break;
  }
  return [...refused];
}

/** Sends a signal to the tree's processes, but not to its leader. False where they cannot be told. */
export function signalMembers(tree: ProcessTree, signal: NodeJS.Signals): boolean {
  const members = membersOf(tree);
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

function belongs(pid: number, tree: ProcessTree): boolean {
  const stat = readOf(pid, "stat");
  // "pid (name) state ppid pgrp session …"; the name may have spaces and brackets.
  const [state, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || state === "" || state === "Z" || state === "X") return false;
  return Number(group) === tree.leader || Number(session) === tree.leader || hasTag(pid, tree.tag);
}

/** Threads have numbers as processes do, and files under them that no list of processes names. */
function isThread(pid: number): boolean {
  const [, process] = /^Tgid:\s+(\d+)$/m.exec(readOf(pid, "status")) ?? [];
  return process !== undefined && Number(process) !== pid;
}

/** Whether the process runs under the tag: as it was started, or as what started it was. */
export function hasTag(pid: number, tag: string): boolean {
  return new RegExp(`^Max resident set +${tag} `, "m").test(readOf(pid, "limits"));
}

/** Empty for a process that is gone or that belongs to someone else. */
function readOf(pid: number, file: string): string {
  return orNone(() => readFileSync(`/proc/${pid}/${file}`, "latin1")) ?? "";
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

/** All that processes which run the code of others inherit of an environment. */
export function inheritedFrom(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const { PATH, HOME, LANG, TZ } = environment;
  return {
    ...(PATH !== undefined && { PATH }),
    ...(HOME !== undefined && { HOME }),
    ...(LANG !== undefined && { LANG }),
    ...(TZ !== undefined && { TZ }),
  };
}
