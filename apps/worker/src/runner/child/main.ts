import { Worker } from "node:worker_threads";
import { openPipelines } from "@stagefold/agent-build";
import type { PipelineRegistry } from "@stagefold/pipeline";
import { runnerArguments } from "../arguments.ts";
import { SharedTags, tagsOf } from "../process-tags.ts";
import { killAll } from "../process-tree.ts";
import { type StageFailure, type StageJob, workerMessageSchema } from "../protocol.ts";
import { Channel, post } from "./channel.ts";
import { details, failureOf } from "./failure.ts";
import { isCommandJob, runCommand } from "./run-command.ts";
import { isRunJob, runFunction } from "./run-stage.ts";

/** The process that runs stages, one at a time, for the worker that started it and never longer than that. */

interface Running {
  readonly job: StageJob;
  readonly channel: Channel;
  readonly abort: AbortController;
}

const { workerPid, pipelines: folder } = runnerArguments(process.argv.slice(2));
const shared = new SharedTags();
const watchdog = new Worker(new URL("./watchdog.js", import.meta.url), {
  workerData: { workerPid, memory: shared.memory },
});
watchdog.on("error", (error) => leave(`The watchdog of a runner process failed: ${details(error)}`));
watchdog.unref();

const home = process.cwd();
let running: Running | undefined;
let tags: readonly string[] = [];
// Read while nobody waits yet; the first stage that needs them hears of a failure.
const pipelines: Promise<PipelineRegistry> = openPipelines(folder);

// One stream keeps the order of both.
process.stderr.write = process.stdout.write.bind(process.stdout);
process.on("disconnect", () => killAll({ leader: process.pid, tags }));
process.on("uncaughtException", (error) => crashed(error));
process.on("unhandledRejection", (reason) => crashed(reason));
process.on("message", (raw) => heard(raw));
// Whoever awaits it is told; until then a failure must not end this process.
const loaded = () => post([{ kind: "loaded" }]);
pipelines.then(loaded, loaded);
post([{ kind: "ready" }]);

function heard(raw: unknown): void {
  const message = workerMessageSchema.parse(raw);
  if (message.kind === "start") {
    void begin(message.job);
    return;
  }
  if (running?.job.id !== message.job) return;
  switch (message.kind) {
    case "abort":
      running.abort.abort(new Error(`The stage is stopped: ${message.reason}.`));
      return;
    case "stored":
      running.channel.answered(message.request);
      return;
    case "refused":
      running.channel.answered(message.request, new Error(message.message));
      return;
    default:
      message satisfies never;
  }
}

async function begin(job: StageJob): Promise<void> {
  tags = tagsOf(job);
  shared.write(tags);
  const mine: Running = { job, channel: new Channel(job.id), abort: new AbortController() };
  running = mine;
  const resources = process.getActiveResourcesInfo().length;
  // A timer, a socket, a process that a stage left behind would go on beside the next one.
  const isClean = () => process.getActiveResourcesInfo().length <= resources;
  try {
    const output = await run(mine);
    // A rejection that nobody handles shows one turn later.
    await new Promise((resolve) => setImmediate(resolve));
    await end(mine, () => mine.channel.send({ kind: "completed", job: job.id, output, clean: isClean() }));
  } catch (error) {
    await fail(mine, error, isClean);
  }
}

async function run({ job, channel, abort }: Running): Promise<Record<string, unknown>> {
  if (isCommandJob(job)) return await runCommand(job, channel, abort.signal);
  if (!isRunJob(job))
    throw new Error(`Expected a stage with a function or a command, found ${job.action.kind}.`);
  return await runFunction(job, await pipelines, channel, abort.signal);
}

async function fail(mine: Running, error: unknown, isClean: () => boolean): Promise<void> {
  const failure: StageFailure = failureOf(error);
  await end(mine, () => mine.channel.failed(failure, isClean()), details(error, folder));
}

/** The marker after all output, then the result; only once, whatever comes first. */
async function end(mine: Running, tell: () => void, last = ""): Promise<void> {
  if (running !== mine) return;
  running = undefined;
  process.chdir(home);
  mine.channel.hold();
  const output = last === "" ? mine.job.marker : `${last}\n${mine.job.marker}`;
  await new Promise<void>((resolve) => process.stdout.write(`${output}\n`, () => resolve()));
  tell();
}

/** An error that no stage caught: of the stage that runs, or of something that an earlier one left behind. */
function crashed(error: unknown): void {
  if (running) void fail(running, error, () => false);
  else leave(`A runner process failed between stages: ${details(error)}`);
}

function leave(reason: string): void {
  process.stdout.write(`${reason}\n`, () => process.exit(1));
}
