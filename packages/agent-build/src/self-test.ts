import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import type { StageContext } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import type { SelfTest } from "./documents.ts";
import { type Finished, runNode } from "./process.ts";

const TEST_SECONDS = 60;
export const LOOPBACK_TEXT = "hello from loopback";

/** A server for tools that fetch, so that they are tested without any network but this machine. */
async function loopbackServer(): Promise<{ address: string; close: () => Promise<void> }> {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain; charset=utf-8").end(LOOPBACK_TEXT);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new StageError("the loopback server has no port");
  const close = () =>
    new Promise<void>((resolve, reject) => {
      server.close((error) => (error === undefined ? resolve() : reject(error)));
      server.closeAllConnections();
    });
  return { address: `http://127.0.0.1:${bound.port}`, close };
}

/** What is wrong with an outcome; undefined if nothing is. */
export function mismatch(test: SelfTest, finished: Finished): string | undefined {
  if (finished.exit !== test.exit) {
    return `expected exit ${test.exit}, found ${finished.exit ?? `an end by ${finished.ended_by}`}`;
  }
  const printed = finished.stdout.replace(/\n$/, "");
  if (test.stdout !== undefined && printed !== test.stdout) {
    return `expected ${JSON.stringify(test.stdout)}, found ${JSON.stringify(printed.slice(0, 500))}`;
  }
  const searched = test.exit === 0 ? finished.stdout : finished.stderr;
  if (test.includes !== undefined && !searched.includes(test.includes)) {
    return `expected a text with ${JSON.stringify(test.includes)}, found ${JSON.stringify(searched.slice(0, 500))}`;
  }
  return undefined;
}

async function runTest(ctx: StageContext, agent: string, test: SelfTest, folder: string, loopback: string) {
  for (const [name, content] of Object.entries(test.files ?? {})) {
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  const args = test.args.map((argument) => argument.replaceAll("{loopback}", loopback));
  const finished = await runNode([agent, ...args], {
    cwd: folder,
    signal: ctx.signal,
    timeout_seconds: TEST_SECONDS,
  });
  const wrong = mismatch(test, finished);
  if (wrong === undefined) return;
  ctx.log(
    `self-test of ${test.tool} failed: ${args.map((argument) => JSON.stringify(argument)).join(" ")}: ${wrong}`,
  );
  ctx.log(
    ...finished.stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => `stdout: ${line}`),
  );
  ctx.log(
    ...finished.stderr
      .split("\n")
      .filter(Boolean)
      .map((line) => `stderr: ${line}`),
  );
  throw new StageError(`the agent does not work: self-test of ${test.tool}: ${wrong}`, {
    code: "STAGE_FAILED",
  });
}

/**
 * Runs the agent on every self-test, each in a process of its own and in a folder with the test's files, below the
 * workspace. Throws a StageError at the first that fails, with what the agent printed in the log.
 */
export async function runSelfTests(
  ctx: StageContext,
  agentFile: string,
  tests: readonly SelfTest[],
): Promise<number> {
  const loopback = await loopbackServer();
  const folder = await mkdtemp(join(ctx.workDir, ".self-test-"));
  try {
    for (const [index, test] of tests.entries()) {
      await runTest(ctx, agentFile, test, folder, loopback.address);
      ctx.metrics({ tool_calls: 1 });
      ctx.progress(30 + ((index + 1) / tests.length) * 70);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    await loopback.close();
  }
  return tests.length;
}
