import { fileURLToPath } from "node:url";
import { StagefoldClientError } from "@stagefold/client";
import { addressOf } from "@stagefold/runtime/env";
import type { Command } from "commander";
import { type Cli, openClient } from "../cli.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { followBuild } from "../follow-build.ts";
import type { Runner } from "../runner.ts";
import { claimDataFolder, type OtherInstance } from "../up/instance.ts";
import { Signals } from "../up/signals.ts";
import { type ProgramName, programArgs, programUrl, type Stack, startStack } from "../up/stack.ts";
import { createdLine } from "../view/changes.ts";
import { escaped } from "../view/escape.ts";

/** An end that takes no longer needs no words. */
const QUIET_MS = 1000;
/** What a program that has the port gets to say that it is a Stagefold; on a busy machine one needs seconds. */
const PROBE_MS = 10_000;

interface UpOptions {
  readonly pipelines?: string;
}

export function addUp(program: Command, run: Runner): void {
  program
    .command("up")
    .description("Run everything here: the API with the dashboard, and a worker")
    .argument("[requirement]", "also create this build, and show it")
    .option("--pipelines <folder>", "with the pipelines of this folder (also STAGEFOLD_PIPELINES)")
    .action((requirement: string | undefined, options: UpOptions, command: Command) =>
      run(command, (cli) => up(withPipelines(cli, options), requirement, options)),
    );
  addForeground(program, run, "api", "Run the API alone, in the foreground");
  addForeground(program, run, "worker", "Run a worker alone, in the foreground");
  addForeground(
    program,
    run,
    "mcp",
    "Serve the Model Context Protocol on stdin and stdout, for agents that start it",
  );
}

/** The program takes over this process: its arguments, its signals, its output and its exit code. */
function addForeground(program: Command, run: Runner, name: ProgramName, description: string): void {
  program
    .command(name)
    .description(description)
    .action((_options: object, command: Command) =>
      run(command, async ({ releaseInterrupt }) => {
        releaseInterrupt();
        process.argv = [process.execPath, fileURLToPath(programUrl(name)), ...programArgs(name)];
        await import(programUrl(name));
        return undefined;
      }),
    );
}

/** The option is the setting, for the programs that are started. */
function withPipelines(cli: Cli, { pipelines }: UpOptions): Cli {
  if (pipelines === undefined) return cli;
  const inherited = { ...cli.env.inherited, STAGEFOLD_PIPELINES: pipelines };
  return { ...cli, env: { ...cli.env, inherited } };
}

/** Ends in order with Ctrl-C: 0 once it was ready, for that is how it is ended; 130 before. */
async function up(cli: Cli, requirement: string | undefined, options: UpOptions): Promise<number> {
  if (requirement?.trim() === "") throw usageError("expected a requirement, found an empty text");
  using signals = new Signals();
  cli.releaseInterrupt();
  const instance = await claimDataFolder(cli.env.dataDir);
  if ("other" in instance) return await withOther(cli, instance.other, requirement, options, signals.ending);
  await using only = instance;
  let stack: Stack;
  try {
    stack = await startStack(cli.env, (text) => cli.terminal.note(`stagefold: ${text}`), signals.ending);
  } catch (error) {
    if (signals.ending.aborted) return EXIT.interrupted;
    throw await withPortOwner(cli, error);
  }
  try {
    await only.announce(stack.url);
    if (cli.json) cli.terminal.json({ ready: true, url: stack.url });
    else cli.terminal.lines([`Stagefold runs at ${stack.url} (Ctrl-C stops it)`]);
    if (stack.note !== undefined) cli.terminal.note(stack.note);
    const building =
      requirement === undefined ? [] : [buildHere(cli, stack.url, requirement, signals.ending)];
    await Promise.race([signals.first(), stack.lost, ...building]);
    return EXIT.done;
  } finally {
    signals.onSecond(() => {
      stack.kill();
      process.exit(EXIT.interrupted);
    });
    await stopped(cli, stack);
  }
}

/** Another `up` serves this data folder: it gets the build, if there is one to create. */
async function withOther(
  cli: Cli,
  { pid, url }: OtherInstance,
  requirement: string | undefined,
  { pipelines }: UpOptions,
  signal: AbortSignal,
): Promise<number> {
  if (url === undefined)
    throw new CliError(
      `another "stagefold up" (process ${pid}) is starting on ${cli.env.dataDir}`,
      EXIT.failed,
    );
  if (pipelines !== undefined)
    cli.terminal.note(
      `--pipelines ${escaped(pipelines)} is ignored: the process that runs has the pipelines that it was started with`,
    );
  if (requirement === undefined) {
    if (cli.json) cli.terminal.json({ ready: true, url, pid });
    else cli.terminal.lines([`Stagefold runs already at ${url} (process ${pid})`]);
    return EXIT.done;
  }
  cli.terminal.note(`Stagefold runs already at ${url} (process ${pid}); it gets the build`);
  return await build(cli, url, requirement, signal);
}

/** The error of a start, with who has the port where that is a Stagefold. */
async function withPortOwner(cli: Cli, error: unknown): Promise<unknown> {
  if (!(error instanceof CliError) || !/^Port \d+ on .* is in use/.test(error.message)) return error;
  const url = addressOf(cli.env.host, cli.env.port);
  try {
    await openClient({ url, key: cli.env.key }, AbortSignal.timeout(PROBE_MS)).system.info();
  } catch (caught) {
    // A Stagefold that refuses this caller is one all the same.
    if (!(caught instanceof StagefoldClientError)) return error;
  }
  return new CliError(
    `another Stagefold, with a data folder of its own, runs at ${url}: use that one, or choose another port with STAGEFOLD_PORT`,
    error.exitCode,
  );
}

/** Stages that run are given time: the user reads why nothing happens. */
async function stopped(cli: Cli, stack: Stack): Promise<void> {
  const text = `stopping; what runs has up to ${cli.env.drainSeconds} s to end (Ctrl-C again stops it now)`;
  const timer = setTimeout(() => cli.terminal.note(text), QUIET_MS);
  try {
    await stack.stop();
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects when the build cannot be made. How it ends is its own matter: the servers keep running. */
async function buildHere(cli: Cli, url: string, requirement: string, signal: AbortSignal): Promise<never> {
  const code = await build(cli, url, requirement, signal);
  if (code !== EXIT.interrupted) cli.terminal.note(`Stagefold keeps running at ${url} (Ctrl-C stops it)`);
  return new Promise(() => undefined);
}

/** Creates a build and shows it. Answers with the exit code: whether it completed, or was interrupted here. */
async function build(cli: Cli, url: string, requirement: string, signal: AbortSignal): Promise<number> {
  const client = openClient({ url, key: cli.env.key }, signal);
  try {
    const project = await client.projects.create({ requirement });
    if (!cli.json) cli.terminal.lines([createdLine(project)]);
    return await followBuild({ ...cli, client, signal }, project.project_id);
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  }
}
