/// <reference path="./dynalite.d.ts" />
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import dynalite from "dynalite";

export type EngineName = "dynoxide" | "dynalite";

/** A DynamoDB of a test's own, on the loopback; its data goes with it. */
export interface Engine extends AsyncDisposable {
  readonly endpoint: string;
  /** Of dynoxide, a process of its own; dynalite runs in the test's. */
  readonly pid: number | undefined;
  close(): Promise<void>;
}

/** The engines that run on this machine. */
export const ENGINES: readonly EngineName[] =
  process.platform === "linux" && process.arch === "x64" ? ["dynoxide", "dynalite"] : ["dynalite"];

/** Starts an engine on a free port and an empty folder. */
export async function startEngine(engine: EngineName = ENGINES[0] ?? "dynalite"): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-engine-"));
  const started = engine === "dynoxide" ? await startDynoxide(folder) : await startDynalite(folder);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= started.stop().then(() => rm(folder, { recursive: true, force: true }));
    return closing;
  };
  const endpoint = `http://127.0.0.1:${started.port}`;
  return { endpoint, pid: started.pid, close, [Symbol.asyncDispose]: close };
}

interface Started {
  readonly port: number;
  readonly pid: number | undefined;
  stop(): Promise<unknown>;
}

async function startDynoxide(folder: string): Promise<Started> {
  const port = await freePort();
  const args = ["serve", "--host", "127.0.0.1", "--port", String(port), "--db-path", join(folder, "data")];
  const child = spawn(installedDynoxide(), args, { stdio: ["ignore", "pipe", "pipe"] });
  const killed = () => child.kill("SIGKILL");
  process.once("exit", killed);
  let said = "";
  const ended = once(child, "exit").then(() => process.off("exit", killed));
  await new Promise<void>((resolve, reject) => {
    const hear = (part: Buffer) => {
      said += String(part);
      if (said.includes("listening on")) resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`dynoxide ended with ${code} before it served: ${said}`)));
  });
  const stop = () => {
    child.kill("SIGKILL");
    return ended;
  };
  return { port, pid: child.pid, stop };
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

async function startDynalite(path: string): Promise<Started> {
  const timing = { createTableMs: TABLE_MS, deleteTableMs: TABLE_MS, updateTableMs: TABLE_MS };
  const server = dynalite({ path, ...timing });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: portOf(server), pid: undefined, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}
