import { fileURLToPath } from "node:url";
import { createClient } from "@stagefold/client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { EXIT, usageError } from "../exit.ts";
import { followBuild } from "../follow-build.ts";
import type { Runner } from "../runner.ts";
import { type ProgramName, programArgs, programUrl } from "../up/program-path.ts";
import { Signals } from "../up/signals.ts";
import { type Stack, startStack } from "../up/stack.ts";
import { escaped } from "../view/escape.ts";

/** An end that takes no longer needs no words. */
const QUIET_MS = 1000;

export function addProcesses(program: Command, run: Runner): void {
  program
    .command("up")
    .description("Run everything here: the embedded DynamoDB, the API with the dashboard, and a worker")
    .argument("[requirement]", "also create this build, and show it")
    .action((requirement: string | undefined, _options: object, command: Command) =>
      run(command, (cli) => up(cli, requirement)),
    );
  addForeground(program, run, "api", "Run the API alone, in the foreground");
  addForeground(program, run, "worker", "Run a worker alone, in the foreground");
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

async function up(cli: Cli, requirement: string | undefined): Promise<number> {
  if (requirement?.trim() === "") throw usageError("expected a requirement, found an empty text");
  const signals = new Signals();
  const stack = await startStack(cli.env, (text) => cli.terminal.note(`stagefold: ${text}`));
  try {
    if (cli.json) cli.terminal.json({ ready: true, url: stack.url });
    else cli.terminal.lines([`Stagefold runs at ${stack.url} (Ctrl-C stops it)`]);
    const shown = requirement === undefined ? undefined : build(cli, stack.url, requirement);
    await Promise.race([signals.first, stack.lost, ...(shown ? [orFailed(shown)] : [])]);
    return EXIT.done;
  } finally {
    signals.onSecond(() => endNow(stack));
    await stopped(cli, stack);
  }
}

/** Stages that run are given time: whoever waits is told why nothing happens. */
async function stopped(cli: Cli, stack: Stack): Promise<void> {
  const text = `stopping; what runs has up to ${cli.env.drainSeconds} s to end (Ctrl-C again stops it now)`;
  const timer = setTimeout(() => cli.terminal.note(text), QUIET_MS);
  try {
    await stack.stop();
  } finally {
    clearTimeout(timer);
  }
}

/** Creates a build and shows it; what it ends with is the build's matter, and everything goes on. */
async function build(cli: Cli, url: string, requirement: string): Promise<void> {
  const client = createClient({ url });
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

function endNow(stack: Stack): void {
  stack.kill();
  process.exit(EXIT.interrupted);
}
