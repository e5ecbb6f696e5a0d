import { subscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { errorCode, killAll } from "@stagefold/node-files";
import { runnerArguments, type StageJob, workerMessageSchema } from "../protocol.ts";
import { Channel, post } from "./channel.ts";
import { details, failureOf, NotRunError } from "./failure.ts";
import { captureOutput, endOutput, lastWords, writeOutput } from "./output-stream.ts";
import { isCommandJob, runCommand } from "./run-command.ts";
import { isRunJob, loadStage, runFunction } from "./run-stage.ts";

/** The process that runs stages, one at a time, for the worker that started it and never longer than that. */

interface Running {
  readonly job: StageJob;
  readonly channel: Channel;
  readonly abort: AbortController;
  /** Of this process when the stage's own code began; undefined until then. */
  before: Footprint | undefined;
}

const { workerPid, tag } = runnerArguments(process.argv.slice(2));
const tree = { leader: process.pid, tag };
const watchdog = new Worker(new URL("./watchdog.js", import.meta.url), { workerData: { workerPid, tag } });
watchdog.on("error", (error) => leave(`The watchdog of a runner process failed: ${details(error)}`));
watchdog.unref();

const home = process.cwd();
let running: Running | undefined;
let spawns = 0;

subscribe("child_process", () => {
  spawns += 1;
});
captureOutput();
process.on("disconnect", () => killAll(tree));
process.on("uncaughtException", (error) => crashed(error));
process.on("unhandledRejection", (reason) => crashed(reason));
process.on("message", (raw) => receive(raw));
post([{ kind: "ready" }]);

function receive(raw: unknown): void {
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
      running.channel.stored(message.request, message.refused);
      return;
    case "answered":
      running.channel.answered(message);
      return;
    default:
      message satisfies never;
  }
}

async function begin(job: StageJob): Promise<void> {
  const mine: Running = {
    job,
    channel: new Channel(job.id),
    abort: new AbortController(),
    before: undefined,
  };
  running = mine;
  try {
    const output = await run(mine);
    await settled();
    await end(mine, () =>
      mine.channel.send({ kind: "completed", job: job.id, output, ...remainsOf(mine.before) }),
    );
  } catch (error) {
    await settled();
    await fail(mine, error);
  }
}

/** A rejection that no code handles shows one turn later; the handle of a process that has ended is closed after that. */
async function settled(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

async function run(mine: Running): Promise<Record<string, unknown>> {
  const { job, channel, abort } = mine;
  if (isCommandJob(job)) {
    mine.before = footprint();
    return await runCommand(job, tree, channel, abort.signal);
  }
  if (!isRunJob(job))
    throw new Error(`Expected a stage with a function or a command, found ${job.action.kind}.`);
  const stage = await loadStage(job, () => channel.send({ kind: "loading", job: job.id }));
  if (stage.isNew) channel.send({ kind: "begun", job: job.id });
  // What a module sets up when it is loaded is there for all its stages.
  mine.before = footprint();
  return await runFunction(job, stage.definition, channel, abort.signal);
}

async function fail(mine: Running, error: unknown): Promise<void> {
  const { job } = mine;
  const said =
    error instanceof NotRunError
      ? ({ kind: "not_run", reason: error.message } as const)
      : ({ kind: "failed", failure: failureOf(error, job.work_dir) } as const);
  const { action } = job;
  const module = action.kind === "run" ? action.module : undefined;
  await end(
    mine,
    () => mine.channel.send({ ...said, job: job.id, ...remainsOf(mine.before) }),
    details(error, { module, workDir: job.work_dir }),
  );
}

/** The marker after all output, then the result; only once, whatever comes first. */
async function end(mine: Running, report: () => void, last = ""): Promise<void> {
  if (running !== mine) return;
  running = undefined;
  process.chdir(home);
  mine.channel.hold();
  if (last !== "") writeOutput("log", `${last}\n`);
  await endOutput(mine.job.marker);
  report();
}

/** An error that no stage caught: of the stage that runs, or of something that an earlier one left behind. */
function crashed(error: unknown): void {
  if (running) {
    running.before = undefined;
    void fail(running, error);
  } else leave(`A runner process failed between stages: ${details(error)}`);
}

function leave(reason: string): void {
  lastWords(reason, () => process.exit(1));
}

/** What a stage may leave behind in this process: it would run on beside the next one. */
interface Footprint {
  /** Timers, sockets, processes. */
  readonly resources: number;
  readonly listeners: number;
  readonly globals: number;
  readonly spawns: number;
  readonly faultsOfChildren: string;
}

function footprint(): Footprint {
  return {
    resources: process.getActiveResourcesInfo().length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    globals: Reflect.ownKeys(globalThis).length,
    spawns,
    faultsOfChildren: faultsOfChildren(),
  };
}

function remainsOf(before: Footprint | undefined): { clean: boolean; spawned: boolean } {
  if (before === undefined) return { clean: false, spawned: true };
  const now = footprint();
  return {
    clean:
      now.resources <= before.resources &&
      now.listeners === before.listeners &&
      now.globals === before.globals,
    spawned: now.spawns !== before.spawns || now.faultsOfChildren !== before.faultsOfChildren,
  };
}

/**
 * Page faults of the children that have ended (`cminflt` of /proc/self/stat): changed by each of them, also by those
 * that a synchronous call waited for. A new text each time where the system does not tell.
 */
function faultsOfChildren(): string {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[8] ?? String(performance.now());
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return String(performance.now());
  }
}
