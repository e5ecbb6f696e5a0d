import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "@stagefold/node-files";
import { StageError } from "@stagefold/pipeline";
import { glob, isDynamicPattern } from "tinyglobby";
import { inheritedEnv, stageEnv } from "../../env.ts";
import { ArtifactPathError, findBelow, orNone } from "../../workspace/safe-path.ts";
import { tagsOf } from "../process-tags.ts";
import { signalMembers } from "../process-tree.ts";
import type { StageJob } from "../protocol.ts";
import type { Channel } from "./channel.ts";

type CommandJob = StageJob & { readonly action: Extract<StageJob["action"], { kind: "command" }> };

export function isCommandJob(job: StageJob): job is CommandJob {
  return job.action.kind === "command";
}

/**
 * Runs the command of a stage in the workspace. Its output is this process's own, so it goes to the log as it is.
 * The declared artifacts are recorded when it has ended, also when it failed. Throws a StageError unless it exits with 0.
 */
export async function runCommand(
  job: CommandJob,
  channel: Channel,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const failure = await execute(job, signal);
  const problems = await recordArtifacts(job, channel);
  const [message] = [failure, ...problems].filter((one) => one !== undefined);
  if (message !== undefined) throw new StageError(message);
  return {};
}

async function execute(job: CommandJob, signal: AbortSignal): Promise<string | undefined> {
  const { project_id, requirement } = job.project;
  const env = {
    ...inheritedEnv(),
    ...job.action.env,
    ...stageEnv(project_id, requirement, job.stage, job.attempt),
  };
  const child = spawn("/bin/sh", ["-c", job.action.command], {
    cwd: job.work_dir,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const stop = () => {
    const stage = { leader: process.pid, tags: tagsOf(job) };
    if (!signalMembers(stage, "SIGTERM")) child.kill("SIGTERM");
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const ended: unknown[] = await once(child, "exit");
    const [code, killedBy] = ended;
    if (code === 0) return undefined;
    return code === null
      ? `The command was killed by ${String(killedBy)}.`
      : `The command exited with code ${String(code)}.`;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Returns what kept matching files from being recorded, a sentence each. */
async function recordArtifacts(job: CommandJob, channel: Channel): Promise<string[]> {
  const patterns = job.action.artifacts;
  if (patterns.length === 0) return [];
  const root = await realpath(job.work_dir);
  // Links are not followed: one of them could lead to all of the machine. One that is named itself is looked at.
  const found = await glob([...patterns], { cwd: root, onlyFiles: true, followSymbolicLinks: false });
  const named = patterns.filter((pattern) => !isDynamicPattern(pattern));
  const links = await Promise.all(
    named.map(async (path) => ((await isLink(join(root, path))) ? [path] : [])),
  );
  const paths = [...new Set([...found, ...links.flat()])];
  if (paths.length === 0) say(`No file matches the artifacts ${patterns.join(", ")}.`);
  const problems: string[] = [];
  for (const path of paths.sort()) {
    try {
      if (await isRecordable(root, path)) await channel.request({ path });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say(reason);
      problems.push(reason);
    }
  }
  return problems;
}

async function isLink(path: string): Promise<boolean> {
  return (await orNone(lstat(path)))?.isSymbolicLink() === true;
}

/** A link is followed only to a file below the workspace; another one is left out, which the log says. */
async function isRecordable(root: string, path: string): Promise<boolean> {
  try {
    return (await stat(await findBelow(root, path))).isFile();
  } catch (error) {
    const broken = error instanceof Error && errorCode(error) === "ENOENT";
    if (!broken && !(error instanceof ArtifactPathError)) throw error;
    say(`The artifact ${path} is not recorded: ${error.message}`);
    return false;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
