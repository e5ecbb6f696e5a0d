import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { installedDynoxide } from "../src/dynoxide-binary.ts";
import type { EngineKind } from "../src/index.ts";

/** The engines that run here; says so when one does not. */
export function enginesHere(): EngineKind[] {
  if (installedDynoxide() !== undefined) return ["dynoxide", "dynalite"];
  console.warn(`skipped for dynoxide: it is not installed on ${process.platform}-${process.arch}`);
  return ["dynalite"];
}

export async function tempDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "stagefold-engine-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  ms = 60_000,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain until ${what}`);
    await sleep(10);
  }
}

/** The processes whose command line names the folder (Linux; elsewhere none are seen). */
export async function processesOn(folder: string): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const naming = await Promise.all(pids.map(async (pid) => (await commandOf(pid)).includes(folder)));
  return pids.filter((pid, index) => naming[index] && pid !== process.pid);
}

async function commandOf(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // It has just ended.
  }
}

/** Another program that owns the folder, until it is killed. */
export interface Owner extends AsyncDisposable {
  process: ChildProcess & { pid: number };
  /** What it printed: the engine it has, or why it has none. */
  outcome: { endpoint?: string; pid?: number; code?: string; message?: string };
  kill(): Promise<void>;
}

const OWNER = `
const { startLocalDynamoDB } = await import(process.argv[1]);
const [, , dataDir, engine] = process.argv;
try {
  const db = await startLocalDynamoDB({ dataDir, engine });
  console.log(JSON.stringify({ endpoint: db.endpoint, pid: db.pid }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}`;

export async function startOwner(dataDir: string, engine: EngineKind | "auto"): Promise<Owner> {
  const built = new URL("../dist/index.js", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "-e", OWNER, built, dataDir, engine], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  if (child.pid === undefined) throw new Error("the owner has no pid");
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  };
  return {
    process: Object.assign(child, { pid: child.pid }),
    outcome: JSON.parse(String(line)),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
