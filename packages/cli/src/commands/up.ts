import { fileURLToPath } from "node:url";
import { createClient, StagefoldClientError } from "@stagefold/client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { followBuild } from "../follow-build.ts";
import type { Runner } from "../runner.ts";
import { claimDataFolder, type OtherInstance } from "../up/instance.ts";
import { Signals } from "../up/signals.ts";
import { type ProgramName, programArgs, programUrl, type Stack, startStack } from "../up/stack.ts";
import { escaped } from "../view/escape.ts";

/** An end that takes no longer needs no words. */
const QUIET_MS = 1000;
/** What a program that has the port gets to say that it is a Stagefold. */
const PROBE_MS = 1000;

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
      run(command, (cli) => up(withPipelines(cli, options), requirement)),
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
      run(command, async () => {
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

async function up(cli: Cli, requirement: string | undefined): Promise<number> {
  if (requirement?.trim() === "") throw usageError("expected a requirement, found an empty text");
  const signals = new Signals();
  const instance = await claimDataFolder(cli.env.dataDir);
  if ("other" in instance) return await withOther(cli, instance.other, requirement, signals);
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
    const shown = requirement === undefined ? undefined : build(cli, stack.url, requirement);
    await Promise.race([signals.first(), stack.lost, ...(shown ? [orFailed(shown)] : [])]);
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
  signals: Signals,
): Promise<number> {
  if (url === undefined)
    throw new CliError(
      `another "stagefold up" (process ${pid}) is starting on ${cli.env.dataDir}`,
      EXIT.failed,
    );
  if (requirement === undefined) {
    if (cli.json) cli.terminal.json({ ready: true, url, pid });
    else cli.terminal.lines([`Stagefold runs already at ${url} (process ${pid})`]);
    return EXIT.done;
  }
  cli.terminal.note(`Stagefold runs already at ${url} (process ${pid}); it gets the build`);
  await Promise.race([signals.first(), build(cli, url, requirement)]);
  return signals.ending.aborted ? EXIT.interrupted : EXIT.done;
}

/** The error of a start, with who has the port where that is a Stagefold. */
async function withPortOwner(cli: Cli, error: unknown): Promise<unknown> {
  if (!(error instanceof CliError) || !/^Port \d+ on .* is in use/.test(error.message)) return error;
  const url = `http://${cli.env.host}:${cli.env.port}`;
  try {
    const signal = AbortSignal.timeout(PROBE_MS);
    await createClient({ url, key: cli.env.key }).system.info(undefined, { signal });
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

/** Creates a build and shows it; how it ends is the build's matter, and the servers keep running. */
async function build(cli: Cli, url: string, requirement: string): Promise<void> {
  const client = createClient({ url, key: cli.env.key });
  const { project_id, project_name } = await client.projects.create({ requirement });
  if (!cli.json) cli.terminal.lines([`created ${project_id}  ${escaped(project_name)}`]);
  const code = await followBuild({ ...cli, client }, project_id);
  if (code !== EXIT.interrupted) cli.terminal.note(`Stagefold keeps running at ${url} (Ctrl-C stops it)`);
}

/** Rejects with the promise, and never resolves. */
async function orFailed(promise: Promise<unknown>): Promise<never> {
  await promise;
  return new Promise(() => undefined);
}
