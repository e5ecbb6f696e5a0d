import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { logLine } from "./log-line.ts";
import { Supervisor } from "./supervisor.ts";

let folder: string;
const supervisors: Supervisor[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stagefold-supervisor-"));
});
afterEach(async () => {
  for (const supervisor of supervisors.splice(0)) supervisor.kill();
  await rm(folder, { recursive: true, force: true });
});

/** A supervisor of a program with this text. */
async function supervise(text: string) {
  const file = join(folder, "program.mjs");
  await writeFile(file, text);
  const said: string[] = [];
  const supervisor = new Supervisor({
    name: "program",
    program: pathToFileURL(file).href,
    env: { PATH: process.env.PATH, STAGEFOLD_PORT: "0" },
    onLine: (line) => said.push(line),
    onRestart: (line) => said.push(line),
    firstPauseMs: 5,
  });
  supervisors.push(supervisor);
  return { supervisor, said };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((wake) => setTimeout(wake, 20)))
    if (condition()) return;
  throw new Error(`expected ${what} within ten seconds`);
}

const READY = `process.send({ kind: "ready", url: "http://127.0.0.1:4567" });`;
const STAY = `setInterval(() => {}, 1000); process.on("SIGTERM", () => { console.log("bye"); process.exit(0); });`;
const LEAVE_WITH_PARENT = `process.on("disconnect", () => process.exit(0));`;

test("a program that is ready says where it is, and ends when it is asked to", async () => {
  const { supervisor, said } = await supervise(STAY + LEAVE_WITH_PARENT + READY);
  expect(await supervisor.start()).toMatchObject({ url: "http://127.0.0.1:4567" });
  await supervisor.stop();
  expect(said).toEqual(["bye"]);
});

test("C12: one that hangs while it starts, and does not end when it is asked to, is ended", async () => {
  const { supervisor, said } = await supervise(
    `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("{}");${LEAVE_WITH_PARENT}`,
  );
  const failed = expect(supervisor.start()).rejects.toThrow("was ended by SIGKILL before it was ready");
  await until(() => said.includes("{}"), "the program to run");
  const pid = supervisor.pid ?? 0;
  await supervisor.stop();
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  await failed;
});

test("one that dies is started again, at the place where it was", async () => {
  const { supervisor, said } =
    await supervise(`console.log("port " + process.env.STAGEFOLD_PORT); ${READY + STAY + LEAVE_WITH_PARENT}
    setTimeout(() => console.log("port " + process.env.STAGEFOLD_PORT), 50);`);
  await supervisor.start();
  const first = supervisor.pid ?? 0;
  await until(() => said.includes("port 0"), "the first run to speak");
  process.kill(first, "SIGKILL");
  await until(() => said.includes("port 4567"), "the second run on the first one's port");
  expect(said.some((line) => line.startsWith("the program was ended by SIGKILL"))).toBe(true);
  expect(supervisor.pid).not.toBe(first);
});

test("one that dies again and again is given up, loudly", async () => {
  const { supervisor, said } = await supervise(
    `${READY} setTimeout(() => { console.error("no luck"); process.exit(7); }, 20);`,
  );
  await supervisor.start();
  await expect(supervisor.lost).rejects.toThrow(/program died 6 times in a row.*exit code 7 \(no luck\)/);
  expect(said.filter((line) => line.includes("starting it again"))).toHaveLength(5);
});

test.each([
  [1, 1],
  [2, 2],
  [9, 1],
])("one that cannot start (exit code %i) says why, and is not tried again", async (code, exitCode) => {
  const { supervisor, said } = await supervise(`console.error("Port 1 is in use."); process.exit(${code});`);
  await expect(supervisor.start()).rejects.toMatchObject({ message: "Port 1 is in use.", exitCode });
  expect(said).toEqual([]);
});

test("log lines are for people", () => {
  const line = JSON.stringify({ level: 40, msg: "slow \u001b[2J", err: { message: "timeout", stack: "…" } });
  expect(logLine("api", line)).toBe("api warning: slow \\x1b[2J: timeout");
  expect(logLine("api", '{"level":30,"msg":"serving"}')).toBe("api info: serving");
  const failed = {
    level: 40,
    project: "proj_1",
    stage: "two",
    failure: { message: "no" },
    msg: "stage failed",
  };
  expect(logLine("worker", JSON.stringify(failed))).toBe("worker warning: stage failed (proj_1, two): no");
  const quoted = { level: 40, msg: "lost", err: { message: "no answer (disk: full).: disk: full" } };
  expect(logLine("api", JSON.stringify(quoted))).toBe("api warning: lost: no answer (disk: full).");
  expect(logLine("worker", "{ not json")).toBe("worker: { not json");
  expect(logLine("worker", "plain")).toBe("worker: plain");
});
