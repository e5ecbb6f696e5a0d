import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const readySchema = z.object({ kind: z.literal("ready"), url: z.string() });

export async function dataFolder() {
  const path = await mkdtemp(join(tmpdir(), "stagefold-api-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** The API as a process of its own, as built. */
export function startProcess(env: Record<string, string>) {
  const child = fork(MAIN, [], {
    env: { PATH: process.env.PATH ?? "", STAGEFOLD_PORT: "0", ...env },
    // The conditions of the test runner would have it load sources.
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let stderr = "";
  child.stderr?.on("data", (part) => {
    stderr += part;
  });
  const exited = once(child, "exit").then(([code]) => z.number().nullable().parse(code));
  return { child, exited, stderr: () => stderr, ready: () => ready(child, exited, () => stderr) };
}

async function ready(
  child: ChildProcess,
  exited: Promise<number | null>,
  stderr: () => string,
): Promise<string> {
  const message = once(child, "message").then(([value]) => readySchema.parse(value).url);
  const gone = exited.then((code) => {
    throw new Error(`expected the API to be ready, it ended with ${code}: ${stderr()}`);
  });
  return Promise.race([message, gone]);
}
