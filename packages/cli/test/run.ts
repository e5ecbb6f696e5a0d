import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { runCommandLine } from "../src/command-line.ts";

const main = join(import.meta.dirname, "..", "dist", "main.js");

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Settings = Readonly<Record<string, string>>;

/** Nothing of the tester's own settings. */
const settings = (env: Settings) => ({ PATH: process.env.PATH, TZ: "UTC", ...env });

interface Given {
  readonly stdin?: Readable;
  /** Whether a person is asked and answers. */
  readonly isTTY?: true;
  /** Of the terminal that the answer goes to; unless given, it goes to a program. */
  readonly columns?: number;
  /** Gets what Ctrl-C does. */
  readonly onStart?: (interrupt: () => void) => void;
}

/** The command line in this process: what it says and answers is the same, and it need not start. */
export async function run(args: readonly string[], env: Settings = {}, given: Given = {}): Promise<Result> {
  const isTTY = given.isTTY === true;
  const { columns } = given;
  const screen = columns === undefined ? {} : { isTTY: true, columns, rows: 24 };
  const stdout = Object.assign(new PassThrough(), screen);
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const stdin = Object.assign(given.stdin ?? Readable.from([]), { isTTY });
  const said = Promise.all([text(stdout), text(stderr)]);
  const interrupted = new AbortController();
  const { signal } = interrupted;
  const interrupt = () => interrupted.abort();
  given.onStart?.(interrupt);
  try {
    const code = await runCommandLine(args, {
      ...{ stdin, stdout, stderr, env: settings(env) },
      ...{ signal, interrupt, releaseInterrupt: () => undefined },
    });
    stdout.end();
    stderr.end();
    const [out, err] = await said;
    return { code, stdout: out, stderr: err };
  } finally {
    stdout.destroy();
    stderr.destroy();
  }
}

/** The program itself, for what is about its process: exit codes, streams, signals, what a start loads. */
export function start(
  args: readonly string[],
  env: Settings = {},
  { stdin = "ignore" }: { readonly stdin?: "ignore" | "pipe" } = {},
): ChildProcess {
  return spawn(process.execPath, [main, ...args], {
    env: settings(env),
    stdio: [stdin, "pipe", "pipe"],
  });
}

export async function runProgram(args: readonly string[], env?: Settings): Promise<Result> {
  return resultOf(start(args, env));
}

export async function resultOf(child: ChildProcess): Promise<Result> {
  if (!child.stdout || !child.stderr) throw new Error("expected the output to be piped");
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}
