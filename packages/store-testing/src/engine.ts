/// <reference path="./dynalite.d.ts" />
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import dynalite from "dynalite";

export type EngineName = "dynoxide" | "dynalite";

/** A DynamoDB of a test's own, on the loopback; its data goes with it. */
export interface Engine extends AsyncDisposable {
  readonly name: EngineName;
  readonly endpoint: string;
  /** Of dynoxide, a process of its own; dynalite runs in the test's. */
  readonly pid: number | undefined;
  /** Kills dynoxide without notice and serves the same data again at the same place; dynalite loses index rows by that. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The engines that run on this machine; in the short form of the tests the faster one alone. */
export const ENGINES: readonly EngineName[] =
  process.platform !== "linux" || process.arch !== "x64"
    ? ["dynalite"]
    : // biome-ignore lint/style/noProcessEnv: tests alone load this package
      process.env.SOAK === "1"
      ? ["dynoxide", "dynalite"]
      : ["dynoxide"];

/** Starts an engine on a free port and a folder of its own. */
export async function startEngine(name: EngineName = ENGINES[0] ?? "dynalite"): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-engine-"));
  const port = await freePort();
  const start = () => (name === "dynoxide" ? startDynoxide(folder, port) : startDynalite(folder, port));
  let running = await start();
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= running.stop().then(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    return closing;
  };
  return {
    name,
    endpoint: `http://127.0.0.1:${port}`,
    get pid() {
      return running.pid;
    },
    async restart() {
      await running.stop();
      running = await start();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Running {
  readonly pid: number | undefined;
  stop(): Promise<unknown>;
}

const dataFile = (folder: string) => join(folder, "data.db");

async function startDynoxide(folder: string, port: number): Promise<Running> {
  const args = ["serve", "--host", "127.0.0.1", "--port", String(port), "--db-path", dataFile(folder)];
  const child = spawn(installedDynoxide(), args, { stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(child, "exit").then(() => process.off("exit", kill));
  let output = "";
  await new Promise<void>((resolve, reject) => {
    const read = (part: Buffer) => {
      output += String(part);
      if (output.includes("listening on")) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`dynoxide ended with ${code} before it served: ${output}`)),
    );
  });
  child.stdout.removeAllListeners("data").resume();
  child.stderr.removeAllListeners("data").resume();
  const stop = () => {
    kill();
    return ended;
  };
  return { pid: child.pid, stop };
}

function installedDynoxide(): string {
  const require = createRequire(import.meta.url);
  return join(
    dirname(require.resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`)),
    "dynoxide",
  );
}

/** Amazon's tables take seconds to be made; a test has nothing from waiting. */
const TABLE_MS = 20;

async function startDynalite(path: string, port: number): Promise<Running> {
  const timing = { createTableMs: TABLE_MS, deleteTableMs: TABLE_MS, updateTableMs: TABLE_MS };
  const server = dynalite({ path, ...timing });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { pid: undefined, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}
