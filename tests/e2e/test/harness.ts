import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { agentBuild } from "@stagefold/agent-build";
import { createClient } from "@stagefold/client";
import { until } from "../../../tooling/vitest/until.ts";

export const root = resolve(import.meta.dirname, "../../..");
const cli = join(root, "packages/cli/dist/main.js");

export interface System {
  readonly url: string;
  readonly dataDir: string;
  readonly process: ChildProcess;
  readonly client: ReturnType<typeof createClient<typeof agentBuild>>;
  /** Everything that was printed so far. */
  printed(): string;
}

export interface StartOptions {
  readonly dataDir: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A folder of its own, gone when the test ends. */
export async function tempFolder() {
  const path = await mkdtemp(join(tmpdir(), "stagefold-e2e-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Runs the command line to its end. */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = root) {
  const child = launch(args, env, cwd);
  const out = collect(child);
  const [code] = await once(child, "close");
  return { code: Number(code), ...out() };
}

export function launch(args: readonly string[], env: NodeJS.ProcessEnv, cwd = root): ChildProcess {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, [cli, ...args], {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function collect(child: ChildProcess) {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr?.on("data", (chunk) => {
    stderr += String(chunk);
  });
  return () => ({ stdout, stderr });
}

/** `stagefold up` as `npm start` runs it, on a port of its own. Ends with its scope, and leaves no process. */
export async function start(options: StartOptions): Promise<System & AsyncDisposable> {
  const env = { STAGEFOLD_DATA_DIR: options.dataDir, STAGEFOLD_PORT: "0", ...options.env };
  const child = launch(["up", ...(options.args ?? [])], env);
  const out = collect(child);
  const printed = () => out().stdout + out().stderr;
  const url = await until("the address", () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${printed()}`);
    return /http:\/\/127\.0\.0\.1:\d+/.exec(out().stdout)?.[0];
  }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    url,
    dataDir: options.dataDir,
    process: child,
    client: createClient<typeof agentBuild>({ url }),
    printed,
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 40_000);
  await ended;
  clearTimeout(timer);
}

/**
 * The pids of all processes that have this text in their environment or command line, or a file of that folder open, and of
 * the supervisors that started them (Linux). Those of Stagefold hide their environment.
 */
export async function processesOf(text: string): Promise<number[]> {
  const found = new Set<number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const about = await Promise.all([
      ...["environ", "cmdline"].map((file) => readFile(`/proc/${name}/${file}`, "utf8").catch(() => "")),
      openFilesOf(name),
    ]);
    if (!about.some((part) => part.includes(text))) continue;
    found.add(Number(name));
    const status = await readFile(`/proc/${name}/status`, "utf8").catch(() => "");
    const parent = /^PPid:\t(\d+)$/m.exec(status)?.[1] ?? "0";
    const command = await readFile(`/proc/${parent}/cmdline`, "utf8").catch(() => "");
    if (/cli.dist.main\.js/.test(command)) found.add(Number(parent));
  }
  return [...found];
}

/** The paths of what a process has open, and of its folder. */
async function openFilesOf(pid: string): Promise<string> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = ["cwd", ...names.map((name) => `fd/${name}`)];
  const paths = await Promise.all(links.map((link) => readlink(`/proc/${pid}/${link}`).catch(() => "")));
  return paths.join("\n");
}
