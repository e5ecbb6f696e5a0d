import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { permissionFlags } from "@stagefold/node-files";
import type { StageContext } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import type { SelfTest } from "./documents.ts";
import { loopbackServer } from "./loopback.ts";
import { type Finished, runNode } from "./process.ts";

const TEST_SECONDS = 60;
const MEMORY_MB = 512;
/** Self-tests of one agent that run at the same time: most of each is the start of Node. */
const AT_ONCE = 3;
const ASSETS = fileURLToPath(new URL("../assets/", import.meta.url));
const NO_NETWORK = new URL("../assets/agent/no-network.mjs", import.meta.url).href;

/** A self-test that did not end as its design says. */
export interface FailedTest {
  readonly test: SelfTest;
  /** A sentence: what was expected and what was found. */
  readonly wrong: string;
  readonly finished: Finished;
}

export interface SelfTestRun {
  /** The module that is run, absolute. */
  readonly entry: string;
  readonly tests: readonly SelfTest[];
  /** The agent's files are below it. */
  readonly workDir: string;
  readonly signal: AbortSignal;
  /** Tools that may reach the network in their tests; all others reach the loopback server alone. */
  readonly network: ReadonlySet<string>;
  /** Called after each test that passed, with their number. */
  readonly onPassed: (count: number) => void;
}

/** What is wrong with an outcome; undefined if nothing is. */
export function mismatch(test: SelfTest, finished: Finished): string | undefined {
  if (finished.exit !== test.exit) {
    const why = finished.stderr.trim().slice(0, 500);
    const found = finished.exit ?? `an end by ${finished.ended_by}`;
    return `expected exit ${test.exit}, found ${found}${why === "" ? "" : ` (${why})`}`;
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

async function wrongFile(test: SelfTest, folder: string): Promise<string | undefined> {
  for (const [name, text] of Object.entries(test.leaves ?? {})) {
    const content = await readFile(join(folder, name), "latin1").catch(() => undefined);
    const wanted = Buffer.from(text).toString("latin1");
    if (content === undefined) return `expected the file ${name}, found none`;
    if (!content.includes(wanted)) return `expected the file ${name} to contain ${JSON.stringify(text)}`;
  }
  return undefined;
}

/** Code that no person has read yet may see its own files and write into the folder of its test. */
function limits(workDir: string, folder: string): string[] {
  return [
    ...permissionFlags([join(workDir, "*"), join(ASSETS, "*")], [join(folder, "*")]),
    `--max-old-space-size=${MEMORY_MB}`,
  ];
}

async function runTest(
  { entry, signal, network }: SelfTestRun,
  test: SelfTest,
  workDir: string,
  loopback: string,
): Promise<FailedTest | undefined> {
  const folder = await mkdtemp(join(workDir, ".self-test-"));
  try {
    for (const [name, content] of Object.entries(test.files ?? {})) {
      const target = join(folder, name);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
    const filled = (text: string) => text.replaceAll("{loopback}", loopback);
    const secrets = Object.entries(test.env ?? {}).map(([name, value]) => [name, filled(value)]);
    const isOpen = network.has(test.tool);
    const ended = await runNode(
      [
        ...limits(workDir, folder),
        ...(isOpen ? [] : ["--import", NO_NETWORK]),
        entry,
        ...test.args.map(filled),
      ],
      {
        cwd: folder,
        signal,
        timeout_seconds: TEST_SECONDS,
        env: { ...Object.fromEntries(secrets), ...(isOpen ? {} : { STAGEFOLD_LOOPBACK: loopback }) },
      },
    );
    // The same each time: what depends on this run alone would make each question about it a new one.
    const told = (text: string) => text.replaceAll(loopback, "{loopback}").replaceAll(folder, ".");
    const finished = { ...ended, stdout: told(ended.stdout), stderr: told(ended.stderr) };
    const wrong = mismatch(test, finished) ?? (await wrongFile(test, folder));
    return wrong === undefined ? undefined : { test, wrong, finished };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs a module on self-tests until one fails, each in a process of its own and in a folder with the test's files,
 * below the workspace. Resolves with the first that failed, those that run beside it have ended then. Rejects only when
 * it was aborted or nothing could be run.
 */
export async function firstFailure(run: SelfTestRun): Promise<FailedTest | undefined> {
  const loopback = await loopbackServer();
  try {
    const workDir = await realpath(run.workDir);
    const waiting = run.tests.entries();
    const failures = new Map<number, FailedTest>();
    let passed = 0;
    const work = async () => {
      for (const [index, test] of waiting) {
        const failed = await runTest(run, test, workDir, loopback.address);
        if (failed !== undefined) failures.set(index, failed);
        else run.onPassed(++passed);
        if (failures.size > 0) return;
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
    for (const one of ended) if (one.status === "rejected") throw one.reason;
    return failures.get(Math.min(...failures.keys()));
  } finally {
    await loopback.close();
  }
}

const linesOf = (name: string, text: string): string[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => `${name}: ${line}`);

/** Runs the agent on every self-test. Throws a StageError at the first that fails, with what it printed in the log. */
export async function runSelfTests(
  ctx: StageContext,
  entry: string,
  tests: readonly SelfTest[],
  network: ReadonlySet<string>,
): Promise<number> {
  const onPassed = (count: number) => {
    ctx.metrics({ tool_calls: 1 });
    ctx.progress(30 + (count / tests.length) * 70);
  };
  const { workDir, signal } = ctx;
  const failed = await firstFailure({ entry, tests, workDir, signal, network, onPassed });
  if (failed === undefined) return tests.length;
  const { test, wrong, finished } = failed;
  const args = test.args.map((argument) => JSON.stringify(argument)).join(" ");
  ctx.log(`self-test of ${test.tool} failed: ${args}: ${wrong}`);
  ctx.log(...linesOf("stdout", finished.stdout), ...linesOf("stderr", finished.stderr));
  throw new StageError(`the agent does not work: self-test of ${test.tool}: ${wrong}`, {
    code: "STAGE_FAILED",
  });
}
