import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const main = join(import.meta.dirname, "..", "dist", "main.js");

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as a process, with nothing of the tester's own settings. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { stdin = "ignore", cwd }: { readonly stdin?: "ignore" | "pipe"; readonly cwd?: string } = {},
): ChildProcess {
  return spawn(process.execPath, [main, ...args], {
    ...(cwd !== undefined && { cwd }),
    env: { PATH: process.env.PATH, TZ: "UTC", ...env },
    stdio: [stdin, "pipe", "pipe"],
  });
}

export async function run(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<Result> {
  return resultOf(start(args, env, cwd === undefined ? {} : { cwd }));
}

export async function resultOf(child: ChildProcess): Promise<Result> {
  if (!child.stdout || !child.stderr) throw new Error("expected the output to be piped");
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}
