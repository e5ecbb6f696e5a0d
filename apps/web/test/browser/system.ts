import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createClient, type StagefoldClient } from "@stagefold/client";
import { until } from "../../../../tooling/vitest/until.ts";

/** The command line as it was built: the tests run what people run. */
const CLI = resolve(import.meta.dirname, "../../../../packages/cli/dist/main.js");

export interface System extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  /** The API, past the dashboard: to set things up, and to look at what the dashboard did. */
  readonly client: StagefoldClient;
  /** Kills the API's process and says its number; the supervisor starts another at the same address. */
  killApi(): Promise<number>;
}

/** API with the dashboard and a worker, each a process, on a data folder of their own. */
export async function startSystem(env: Record<string, string> = {}): Promise<System> {
  const dataDir = await mkdtemp(join(tmpdir(), "stagefold-web-"));
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [CLI, "up"], {
    env: {
      PATH,
      HOME,
      STAGEFOLD_DATA_DIR: dataDir,
      STAGEFOLD_PORT: "0",
      STAGEFOLD_DRAIN_SECONDS: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part) => {
      printed += String(part);
    });
  const end = async () => {
    await stop(child);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const url = await until("the address", () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${printed}`);
      return /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
    });
    const client = createClient({ url });
    return { url, dataDir, client, killApi: () => killApi(dataDir), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 40_000);
  await ended;
  clearTimeout(timer);
}

/** Found by its program and what it has open below its data folder (Linux). */
async function killApi(dataDir: string): Promise<number> {
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (!/api.dist.main\.js/.test(command)) continue;
    const open = await readdir(`/proc/${name}/fd`).catch(() => []);
    const paths = await Promise.all(open.map((fd) => readlink(`/proc/${name}/fd/${fd}`).catch(() => "")));
    if (!paths.some((path) => path.includes(dataDir))) continue;
    process.kill(Number(name), "SIGKILL");
    return Number(name);
  }
  throw new Error(`expected an API process with ${dataDir}, found none`);
}
