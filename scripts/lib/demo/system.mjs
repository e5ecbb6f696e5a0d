import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../workspaces.mjs";

export const LEASE_SECONDS = 5;

/** @typedef {Awaited<ReturnType<import("../../../packages/client/src/index.ts").StagefoldClient["projects"]["get"]>>} Project */
/** @typedef {{ name: string, pid: number, child: import("node:child_process").ChildProcess, log: () => string }} Part */

/**
 * A whole system of its own in a temporary folder: API and workers, each a process.
 * @param {{ pipelines: Record<string, string>, workers: string[] }} options file names to texts, and names
 */
export async function startSystem({ pipelines, workers: names }) {
  /** @type {(() => Promise<unknown>)[]} */
  const undo = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), "stagefold-demo-"));
    undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const pipelinesFolder = join(folder, "pipelines");
    await mkdir(pipelinesFolder);
    for (const [name, text] of Object.entries(pipelines)) await writeFile(join(pipelinesFolder, name), text);
    const dataDir = join(folder, "data");
    const { PATH = "", HOME = "" } = process.env;
    const env = {
      PATH,
      HOME,
      STAGEFOLD_DATA_DIR: dataDir,
      STAGEFOLD_PIPELINES: pipelinesFolder,
      STAGEFOLD_LEASE_SECONDS: String(LEASE_SECONDS),
      STAGEFOLD_PORT: "0",
    };
    /** @param {string} name @param {string} app */
    const start = async (name, app) => {
      const part = startPart(name, join(root, app, "dist", "main.js"), env);
      undo.push(() => stopPart(part));
      return { part, url: await untilReady(part) };
    };
    const { url } = await start("api", "apps/api");
    const started = await Promise.all(names.map((name) => start(name, "apps/worker")));
    const workers = started.map(({ part }) => part);
    const { createClient } = await built("packages/client");
    /** @type {import("../../../packages/client/src/index.ts").StagefoldClient} */
    const client = createClient({ url });
    return { client, workers, close, ownerOf: ownerAmong(workers), until: untilIn(client) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a workspace was built to. @param {string} folder */
function built(folder) {
  return import(pathToFileURL(join(root, folder, "dist", "index.js")).href);
}

/** @param {string} name @param {string} program @param {Record<string, string>} env @returns {Part} */
function startPart(name, program, env) {
  const child = fork(program, [], { env, execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let log = "";
  child.stderr?.on("data", (bytes) => {
    log += String(bytes);
  });
  return { name, pid: child.pid ?? 0, child, log: () => log };
}

/** Resolves with the address that it says it serves, if it does. @param {Part} part */
async function untilReady({ name, child, log }) {
  const ended = once(child, "exit").then(() => {
    throw new Error(`${name} ended before it was ready: ${log()}`);
  });
  const [message] = await Promise.race([once(child, "message"), ended]);
  // From here on its end is for those to notice who wait for it.
  ended.catch(() => undefined);
  return String(message.url ?? "");
}

/** @param {Part} part */
async function stopPart({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  await ended;
  clearTimeout(timer);
}

/** A lease owner's name has the number of its process. @param {Part[]} workers */
function ownerAmong(workers) {
  return (/** @type {Project} */ { lease }) => {
    const owner = workers.find(({ pid }) => lease.owner?.includes(`-${pid}-`));
    if (!owner) throw new Error(`expected one of the workers to hold it; found ${lease.owner}`);
    return owner;
  };
}

/** Watches a project until it is as wanted. @param {import("../../../packages/client/src/index.ts").StagefoldClient} client */
function untilIn(client) {
  return async (
    /** @type {string} */ project_id,
    /** @type {AbortSignal} */ signal,
    /** @type {(project: Project) => boolean} */ isWanted,
  ) => {
    for await (const project of client.projects.watch({ project_id }, { signal }))
      if (isWanted(project)) return project;
    throw new Error("the build did not get there in time");
  };
}
