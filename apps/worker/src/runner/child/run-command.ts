import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { errorCode, type ProcessTree, signalMembers } from "@stagefold/node-files";
import { StageError } from "@stagefold/pipeline";
import { inheritedEnv, stageEnv } from "../../env.ts";
import { findArtifacts } from "../../workspace/find-artifacts.ts";
import type { StageJob } from "../protocol.ts";
import type { Channel } from "./channel.ts";
import { CommandError, failureOf, NotRunError } from "./failure.ts";
import { writeOutput } from "./output-stream.ts";

type CommandJob = StageJob & { readonly action: Extract<StageJob["action"], { kind: "command" }> };

export function isCommandJob(job: StageJob): job is CommandJob {
  return job.action.kind === "command";
}

/** Refused artifacts of one command that its log names one by one. */
const MAX_NAMED = 100;

/**
 * Runs the command of a stage in its workspace. Its output is this process's own, so it goes to the log as it is.
 * The declared artifacts are recorded when it has ended, also when it failed. Throws a StageError unless it exits with 0.
 */
export async function runCommand(
  job: CommandJob,
  tree: ProcessTree,
  channel: Channel,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const failure = await execute(job, tree, signal);
  let problem: string | undefined;
  try {
    problem = await recordArtifacts(job, channel);
  } catch (error) {
    // Such as a workspace that the command removed: how the command ended says more.
    if (failure === undefined) throw error;
    say(`The artifacts are not recorded: ${failureOf(error, job.work_dir).message}`);
  }
  if (failure !== undefined) throw failure;
  if (problem !== undefined) throw new StageError(problem);
  return {};
}

async function execute(
  job: CommandJob,
  tree: ProcessTree,
  signal: AbortSignal,
): Promise<CommandError | undefined> {
  const env = {
    ...inheritedEnv(),
    ...job.action.env,
    ...job.secrets,
    ...stageEnv(job),
  };
  const child = await startShell(job.action.command, job.work_dir, env);
  const stop = () => {
    if (!signalMembers(tree, "SIGTERM")) child.kill("SIGTERM");
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    await once(child, "close");
    const { exitCode: code, signalCode } = child;
    return code === 0 ? undefined : new CommandError({ code, signal: signalCode });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What the system may have none of for a moment, or this worker's share of it is used up: processes, memory, files. */
const SHORTAGES = ["EAGAIN", "ENOMEM", "EMFILE", "ENFILE"];

/** Errors: NotRunError where the system cannot start a process now; what the command's own length or folder is the cause of. */
async function startShell(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  try {
    const child = spawn("/bin/sh", ["-c", command], { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
    await once(child, "spawn");
    return child;
  } catch (error) {
    if (!SHORTAGES.includes(errorCode(error) ?? "")) throw error;
    throw new NotRunError(`The shell of the command could not be started: ${String(error)}`, {
      cause: error,
    });
  }
}

/** Returns what kept the first of the matching files from being recorded. */
async function recordArtifacts(job: CommandJob, channel: Channel): Promise<string | undefined> {
  const { paths, omitted } = await findArtifacts(job.work_dir, job.action.artifacts);
  for (const line of omitted) say(line);
  const stored = await Promise.allSettled(paths.map((path) => channel.store({ path })));
  const problems = stored.flatMap((one) =>
    one.status === "rejected" ? [one.reason instanceof Error ? one.reason.message : String(one.reason)] : [],
  );
  for (const problem of problems.slice(0, MAX_NAMED)) say(problem);
  if (problems.length > MAX_NAMED) say(`${problems.length - MAX_NAMED} more artifacts were not recorded.`);
  return problems[0];
}

function say(line: string): void {
  writeOutput("log", `${line.replaceAll("\n", "\\n")}\n`);
}
