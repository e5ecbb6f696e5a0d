import type { ChildProcess } from "node:child_process";
import { on, once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { beginProgram } from "./program.ts";
import { resultOf, run, runProgram, start } from "./run.ts";
import { serve } from "./server.ts";

let server: Awaited<ReturnType<typeof serve>>;
let env: { STAGEFOLD_URL: string };

beforeAll(async () => {
  server = await serve();
  env = { STAGEFOLD_URL: server.url };
});
afterAll(() => server.close());

const stagefold = (...args: string[]) => run(args, env);
const missing = "proj_000000000000";

test("create says what it made, and answers with the API's own JSON", async () => {
  const plain = await stagefold("create", "count words", "--name", "words", "--user", "ann");
  expect(plain).toMatchObject({ code: 0, stderr: "" });
  expect(plain.stdout).toMatch(/^created proj_[0-9a-f]{12} {2}words\n$/);
  const args = [
    "create",
    "count",
    "--tag",
    "a",
    "--tag",
    "b",
    "--priority",
    "1",
    "--idempotency-key",
    "k",
    "--json",
  ];
  const made = JSON.parse((await stagefold(...args)).stdout);
  expect(made).toMatchObject({ status: "queued", tags: ["a", "b"], priority: 1 });
  expect(await server.client.projects.get({ project_id: made.project_id })).toEqual(made);
  expect(JSON.parse((await stagefold("--json", ...args)).stdout).project_id).toBe(made.project_id);
});

test("ls filters, limits and goes through all pages", async () => {
  for (let n = 0; n < 3; n++)
    await server.client.projects.create({ requirement: `r${n}`, user_id: "ls-user" });
  const all = JSON.parse((await stagefold("ls", "--user", "ls-user", "--json")).stdout);
  expect(all).toEqual(await server.client.projects.list({ user_id: "ls-user" }));
  const some = await stagefold("ls", "--user", "ls-user", "--limit", "2");
  expect(some.stdout.trim().split("\n")).toHaveLength(3);
  expect(some.stderr).toContain("--all");
  const every = await stagefold("ls", "--user", "ls-user", "--all");
  expect(every.stdout.trim().split("\n")).toHaveLength(4);
  expect(every.stderr).toBe("");
  expect(await stagefold("ls", "--user", "nobody")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "no builds\n",
  });
});

test("show tells of a build, without what a terminal would obey", async () => {
  const nasty = "\u001b[31mred\u202e\nnext";
  const { project_id, report } = await beginProgram(server.client, nasty);
  const failure = "\u001b]0;title\u0007 gone";
  await report({ event: "started", stage: "one" }, { event: "failed", stage: "one", message: failure });
  const { code, stdout } = await stagefold("show", project_id);
  expect(code).toBe(0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  expect(stdout.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  expect(stdout).toContain("\\x1b[31mred\\u202e\\nnext");
  expect(stdout).toContain("STAGE_FAILED in one: \\x1b]0;title\\x07 gone");
  const json = JSON.parse((await stagefold("show", project_id, "--json")).stdout);
  expect(json).toEqual(await server.client.projects.get({ project_id }));
});

test("create and retry take an input from a file and fields, limits and a start time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-cli-"));
  const file = join(folder, "input.json");
  await writeFile(file, JSON.stringify({ review: false }));
  const from = [
    "create",
    "x",
    "--input",
    file,
    "--set",
    "review=true",
    "--limit",
    "tokens=5",
    "--start-at",
    "2d",
  ];
  const made = JSON.parse((await stagefold(...from, "--json")).stdout);
  expect(made).toMatchObject({ input: { review: true }, limits: { tokens: 5 }, status: "queued" });
  expect(Date.parse(made.start_at) - Date.now()).toBeGreaterThan(1.9 * 86_400_000);
  await stagefold("cancel", made.project_id);
  const retry = ["retry", made.project_id, "--set", "review=true", "--limit", "tokens=9"];
  const same = JSON.parse((await stagefold(...retry, "--json")).stdout);
  expect(same).toMatchObject({ run: 2, input: { review: true }, limits: { tokens: 9 } });
  expect(same.input_run).toBeUndefined();
  const { stdout } = await stagefold("show", made.project_id);
  expect(stdout).toMatch(/input {7}\{"review":true\}\n/);
  expect(stdout).toContain("limits      tokens 0 of 9");
  const own = { requirement: "x", stages: [{ stage: "one" }], input: { site: "old" } };
  const { project_id } = await server.client.projects.create(own);
  await stagefold("cancel", project_id);
  const changed = await stagefold("retry", project_id, "--set", "site=new", "--json");
  expect(JSON.parse(changed.stdout)).toMatchObject({ input: { site: "new" }, input_run: 2 });
  const shown = await stagefold("show", project_id);
  expect(shown.stdout).toContain('input       {"site":"new"} (changed for run 2)');
  for (const wrong of [
    ["--input", `${file}.none`],
    ["--set", "x"],
    ["--limit", "x=1"],
    ["--start-at", "soon"],
    [],
  ])
    expect((await stagefold("create", ...wrong)).code).toBe(2);
  await rm(folder, { recursive: true });
});

test("create-many makes what it can, bulk counts first and then acts on what a filter finds", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-cli-"));
  const file = join(folder, "rows.ndjson");
  const rows = [
    { requirement: "a", tags: ["bulk"] },
    { requirement: "" },
    { requirement: "b", tags: ["bulk"] },
  ];
  for (const word of ["created", "found"]) {
    const stdin = Readable.from(['{"requirement":"k","idempotency_key":"many"}\n']);
    const { stdout } = await run(["create-many", "-"], env, { stdin });
    expect(stdout).toMatch(new RegExp(`^${word} proj_[0-9a-f]{12} {2}k\\n$`));
  }
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join("\n"));
  const made = await stagefold("create-many", file);
  expect(made).toMatchObject({ code: 1, stderr: expect.stringContaining("line 2: INVALID_INPUT") });
  expect(made.stdout.trim().split("\n")).toHaveLength(2);
  expect((await stagefold("bulk", "cancel")).code).toBe(2);
  const found = ["--tag", "bulk"];
  expect(await stagefold("bulk", "cancel", ...found, "--dry-run")).toMatchObject({
    code: 0,
    stdout: "2 to cancel\n",
  });
  expect(await stagefold("bulk", "cancel", ...found)).toMatchObject({ code: 0, stdout: "cancel: 2 of 2\n" });
  expect(await stagefold("bulk", "cancel", ...found)).toMatchObject({ code: 0, stdout: "cancel: 0 of 0\n" });
  expect(await stagefold("bulk", "delete", ...found, "--created-before", "1d", "--dry-run")).toMatchObject({
    stdout: "0 to delete\n",
  });
  expect(JSON.parse((await stagefold("bulk", "delete", ...found, "--json")).stdout)).toEqual({
    matched: 2,
    done: 2,
    refused: 0,
  });
  await rm(folder, { recursive: true });
});

test("builds are listed by what a stage has noted", async () => {
  const { project_id, report } = await beginProgram(server.client);
  await report(
    { event: "started", stage: "one" },
    { event: "noted", stage: "one", notes: { verdict: "very good", n: 3 } },
  );
  for (const note of ["verdict", "verdict=very good", "n=3"])
    expect((await stagefold("ls", "--note", note)).stdout, note).toContain(project_id);
  expect((await stagefold("ls", "--note", "n=4")).stdout).toBe("");
});

test("a gate is shown with what to type, and answered", async () => {
  const { project_id, report } = await beginProgram(server.client);
  const watching = start(["watch", project_id], env);
  const asked = untilSays(watching, "one asks: Publish?");
  const watched = resultOf(watching);
  const properties = { ok: { type: "boolean" }, note: { type: "string" } };
  await report({
    event: "waiting",
    stage: "one",
    question: "Publish?\nIt is \u001b[31mfinal",
    answer_schema: { type: "object", properties, required: ["ok"] },
  });
  const { stdout } = await stagefold("show", project_id);
  expect(stdout).toContain("one asks: Publish?");
  await asked;
  expect(stdout).toContain("  It is \\x1b[31mfinal");
  expect(stdout).toContain(`to answer: stagefold answer ${project_id} --set ok=… --set note=…`);
  // For one who does not sign in: the address is of the API that was asked, and good for this question.
  const link = await stagefold("answer", project_id, "--link", "Bo");
  const [, token = ""] = /^(?:http:\S+)\/answer#(\S+)\n$/.exec(link.stdout) ?? [];
  expect(link.stdout.startsWith(`${server.url}/answer#`)).toBe(true);
  expect(await server.client.answerLinks.question(token)).toMatchObject({ state: "open", stage: "one" });
  expect(await stagefold("answer", project_id, "true", "--link")).toMatchObject({ code: 2 });
  expect(await stagefold("answer", project_id)).toMatchObject({ code: 2 });
  expect(await stagefold("answer", project_id, "--set", "ok=7")).toMatchObject({ code: 1 });
  expect(await stagefold("answer", project_id, "--set", "ok=true", "--set", "note=well done")).toMatchObject({
    code: 0,
    stdout: `${project_id} queued\n`,
  });
  expect(await server.client.projects.get({ project_id })).toMatchObject({
    answer: { stage: "one", value: { ok: true, note: "well done" } },
  });
  // The same again is a repeat; another one comes too late.
  const again = await stagefold("answer", project_id, "--set", "ok=true", "--set", "note=well done");
  expect(again).toMatchObject({ code: 0 });
  const other = await stagefold("answer", project_id, "--set", "ok=false");
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("it is answered") });
  expect(await stagefold("answer", project_id, "--link")).toMatchObject({ code: 1 });
  await server.client.projects.cancel({ project_id });
  expect((await watched).code).toBe(1);
});

/** Resolves once a program has said so on stdout; rejects when it ends without. */
async function untilSays(program: ChildProcess, words: string): Promise<void> {
  let said = "";
  for await (const [bytes] of on(program.stdout ?? program, "data", { close: ["end"] })) {
    said += String(bytes);
    if (said.includes(words)) return;
  }
  throw new Error(`expected ${JSON.stringify(words)}, found ${said}`);
}

test("watch tells what happens until the build ends", async () => {
  const { project_id, report } = await beginProgram(server.client);
  const watching = start(["watch", project_id], env);
  const result = resultOf(watching);
  await once(watching.stdout ?? watching, "data");
  await report({ event: "started", stage: "one" });
  await report({ event: "completed", stage: "one", artifacts: [{ path: "a.txt" }] });
  await report({ event: "started", stage: "two" }, { event: "completed", stage: "two" });
  const { code, stdout } = await result;
  expect(code).toBe(0);
  expect(stdout).toContain("[1/2] 第一步: completed");
  expect(stdout).toContain("1 artifact");
  expect(stdout.trim().split("\n").at(-1)).toBe(`${project_id} completed`);
  const lines = (await stagefold("watch", project_id, "--json")).stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).status)).toEqual(["completed"]);
});

test("watch and --wait end with 1 when the build does not complete", async () => {
  const waiting = start(["create", "r", "--user", "waiter", "--wait"], env);
  const result = resultOf(waiting);
  const [line] = await once(createInterface({ input: waiting.stdout ?? process.stdin }), "line");
  const project_id = String(line).split(" ")[1] ?? "";
  await server.client.projects.cancel({ project_id });
  expect((await result).code).toBe(1);
  expect(await stagefold("watch", project_id)).toMatchObject({ code: 1, stderr: "" });
});

test("Ctrl-C ends a watch quietly, and leaves the build alone", async () => {
  const { project_id } = await server.client.projects.create({ requirement: "r" });
  const watching = start(["watch", project_id], env);
  const result = resultOf(watching);
  await once(watching.stdout ?? watching, "data");
  watching.kill("SIGINT");
  expect(await result).toMatchObject({ code: 130, stderr: "" });
  expect((await server.client.projects.get({ project_id })).status).toBe("queued");
});

test("logs print a stage, all stages, and follow until the build ends", async () => {
  const { project_id, report } = await beginProgram(server.client);
  const lines = Array.from({ length: 1250 }, (_, n) => `line ${n}`);
  await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines });
  const plain = await stagefold("logs", project_id, "one");
  expect(plain).toMatchObject({ code: 0, stdout: `${lines.join("\n")}\n` });
  const following = start(["logs", project_id, "--follow"], env);
  const result = resultOf(following);
  await once(following.stdout ?? following, "data");
  await report(
    { event: "log", stage: "one", lines: ["\u001b[2Jlast"] },
    { event: "completed", stage: "one" },
  );
  await report({ event: "started", stage: "two" }, { event: "log", stage: "two", lines: ["of two"] });
  await report({ event: "completed", stage: "two" });
  const { code, stdout } = await result;
  expect(code).toBe(0);
  expect(stdout.trim().split("\n").slice(-2)).toEqual(["[one] last", "[two] of two"]);
  const json = (await stagefold("logs", project_id, "two", "--json")).stdout;
  const time = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(JSON.parse(json)).toEqual({ text: "of two", stream: "log", at: time });
});

test("F10: logs -f continues while the API restarts, and says so", async () => {
  const first = await serve();
  const { project_id, report } = await beginProgram(first.client);
  await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines: ["before"] });
  const following = start(["logs", project_id, "one", "-f"], { STAGEFOLD_URL: first.url });
  const result = resultOf(following);
  await once(following.stdout ?? following, "data");
  await first.close();
  await once(following.stderr ?? following, "data");
  await using second = await serve(first.deps, Number(new URL(first.url).port));
  const { work } = second.client;
  const { lease_token, lease_seq } = await first.deps.repository.get(project_id);
  await work.report({
    project_id,
    lease_token,
    lease_seq: lease_seq + 1,
    events: [
      { event: "log", stage: "one", lines: ["after"] },
      { event: "completed", stage: "one" },
    ],
  });
  expect(await result).toEqual({
    code: 0,
    stdout: "before\nafter\n",
    stderr: "connection lost; connecting again …\nconnected again\n",
  });
});

test("O6: a line that was cut into pieces is one line again", async () => {
  const { project_id, report } = await beginProgram(server.client);
  const pieces = ["a".repeat(65_536), "b".repeat(65_535), "end", "", "next"];
  const lines = pieces.map((text, i) => (i < 2 ? { text, end: "" as const } : text));
  await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines });
  const { stdout } = await stagefold("logs", project_id, "one");
  expect(stdout.split("\n").map((line) => line.length)).toEqual([131_074, 0, 4, 0]);
  const json = (await stagefold("logs", project_id, "one", "--json")).stdout.trim().split("\n");
  expect(json.map((line) => JSON.parse(line).text)).toEqual([pieces.slice(0, 3).join(""), "", "next"]);
});

test("F10: a failed build that was waited for says what failed, how its log ends, and what to type", async () => {
  const { project_id, report } = await beginProgram(server.client);
  await report(
    { event: "started", stage: "one" },
    { event: "log", stage: "one", lines: ["step 1", "\u001b[31mno such file"] },
    { event: "failed", stage: "one", message: "exit code 1" },
  );
  const { code, stderr } = await stagefold("watch", project_id);
  expect(code).toBe(1);
  expect(stderr).toBe(
    [
      "第一步 failed (attempt 1): exit code 1",
      "its log ends with:",
      "  step 1",
      "  no such file",
      `the whole log: stagefold logs ${project_id} one`,
      `to try again:  stagefold retry ${project_id}`,
      "",
    ].join("\n"),
  );
});

test("A9: a password in STAGEFOLD_URL is never printed", async () => {
  for (const url of [
    "http://ann:hush-hush@127.0.0.1:1",
    "hxxp://ann:hush-hush@127.0.0.1",
    "ann:hush-hush@127.0.0.1:4000",
    "http://ann:hush-hush@127.0.0.1:99999",
    "http://hush-hush@127.0.0.1:1/path",
  ])
    for (const json of [[], ["--json"]]) {
      const { code, stdout, stderr } = await run(["ls", ...json], { STAGEFOLD_URL: url });
      expect([1, 2]).toContain(code);
      expect(stdout + stderr).not.toContain("hush");
    }
});

test("logs of an attempt, and of the next one while it is followed", async () => {
  const { project_id, report } = await beginProgram(server.client);
  await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines: ["first try"] });
  const following = start(["logs", project_id, "one", "-f"], env);
  const result = resultOf(following);
  await once(following.stdout ?? following, "data");
  await report({ event: "failed", stage: "one", message: "no", retry_in_seconds: 0 });
  const again = await server.client.work.claim({ owner: "program", project_id });
  if (!again) throw new Error("expected to claim the second attempt");
  const { lease_token, lease_seq } = again;
  await server.client.work.report({
    project_id,
    lease_token,
    lease_seq: lease_seq + 1,
    events: [
      { event: "started", stage: "one" },
      { event: "log", stage: "one", lines: ["second try"] },
      { event: "completed", stage: "one" },
    ],
  });
  expect((await result).stdout).toBe("first try\nsecond try\n");
  expect((await stagefold("logs", project_id, "one", "--attempt", "1")).stdout).toBe("first try\n");
});

test("artifacts are listed and saved, if they are what was recorded", async () => {
  const { project_id, lease_token, report } = await beginProgram(server.client);
  await report({ event: "started", stage: "one" });
  const at = { project_id, stage: "one", attempt: 1 };
  const good = await server.client.artifacts.upload({
    ...at,
    path: "d/文.txt",
    lease_token,
    content: "good",
  });
  await report({ event: "artifacts", stage: "one", artifacts: [good] });
  expect((await stagefold("artifacts", project_id)).stdout).toMatch(/4 B {2}one {4}d\/文\.txt/);
  const folder = await mkdtemp(join(tmpdir(), "stagefold-cli-"));
  try {
    expect((await runProgram(["artifacts", project_id, "--download", folder], env)).code).toBe(0);
    expect(await readFile(join(folder, "d", "文.txt"), "utf8")).toBe("good");
    // The bytes change behind the record's back.
    await server.artifacts.put({ ...at, path: "d/文.txt" }, new TextEncoder().encode("evil"));
    await rm(join(folder, "d"), { recursive: true });
    const refused = await stagefold("artifacts", project_id, "--download", folder);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^not saved: d\/文\.txt: .*(damaged|SHA-256)/);
    expect(await readdir(join(folder, "d"))).toEqual([]);
    const inTheWay = join(folder, "file");
    await writeFile(inTheWay, "");
    const unsaved = await stagefold("artifacts", project_id, "--download", inTheWay);
    expect(unsaved.code).toBe(1);
    expect(unsaved.stderr).toMatch(/^not saved: d\/文\.txt: cannot save .* \(E[A-Z]+\)\n$/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("pause, resume, cancel, retry and delete, several at once", async () => {
  const one = (await server.client.projects.create({ requirement: "a" })).project_id;
  const two = (await server.client.projects.create({ requirement: "b" })).project_id;
  expect((await stagefold("pause", one, two)).stdout).toBe(`${one} paused\n${two} paused\n`);
  expect((await stagefold("resume", one, "--json")).stdout).toContain('"status":"queued"');
  const mixed = await stagefold("resume", one, two, missing);
  expect(mixed).toMatchObject({ code: 1, stdout: `${two} queued\n` });
  expect(mixed.stderr.trim().split("\n")).toHaveLength(2);
  expect((await stagefold("cancel", one)).code).toBe(0);
  expect((await stagefold("retry", one)).stdout).toBe(`${one} queued\n`);
  expect((await stagefold("delete", one, two, "--yes")).stdout).toBe(`${one} deleted\n${two} deleted\n`);
  expect((await stagefold("show", one)).code).toBe(1);
});

test("refusals are 1, on stderr, as JSON when asked", async () => {
  const plain = await stagefold("show", missing);
  expect(plain).toMatchObject({ code: 1, stdout: "" });
  expect(plain.stderr).toMatch(/^stagefold: .*proj_000000000000.*\n$/);
  const json = await runProgram(["show", missing, "--json"], env);
  expect(json).toMatchObject({ code: 1, stdout: "" });
  expect(JSON.parse(json.stderr)).toMatchObject({
    error: { code: "PROJECT_NOT_FOUND", data: { project_id: missing } },
  });
  expect((await stagefold("create", "r", "--pipeline", "none-such")).code).toBe(1);
});

test.each([
  ["no command", []],
  ["an unknown command", ["frob"]],
  ["a missing argument", ["create"]],
  ["an empty requirement", ["create", " "]],
  ["an unknown option", ["ls", "--nope"]],
  ["a bad number", ["ls", "--limit", "0"]],
  ["an unknown state", ["ls", "--status", "gone"]],
  ["a bad id", ["show", "proj_1"]],
  ["an empty folder", ["artifacts", missing, "--download", ""]],
  ["an attempt of no stage", ["logs", missing, "--attempt", "1"]],
])("wrong usage (%s) is 2", async (_name, args) => {
  const { code, stdout, stderr } = await stagefold(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).not.toBe("");
});

test("an unknown or malformed setting is 2 and named", async () => {
  const unknown = await runProgram(["ls"], { ...env, STAGEFOLD_PROT: "1" });
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain("STAGEFOLD_PROT");
  expect((await run(["ls"], { STAGEFOLD_URL: "nowhere" })).stderr).toContain("STAGEFOLD_URL");
});

test("nobody there is 1, and one sentence that says how to start it", async () => {
  const gone = await serve();
  await gone.close();
  for (const args of [["ls"], ["watch", missing], ["create", "r"]]) {
    const { code, stdout, stderr } = await run(args, { STAGEFOLD_URL: gone.url });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^stagefold: no Stagefold runs at .*npm start.*\n$/);
  }
});

test("a reader that has seen enough is no error", async () => {
  const { project_id, report } = await beginProgram(server.client);
  const lines = Array.from({ length: 5000 }, (_, n) => `${"x".repeat(200)} ${n}`);
  await report({ event: "started", stage: "one" }, { event: "log", stage: "one", lines });
  const reading = start(["logs", project_id, "one"], env);
  const code = once(reading, "close");
  await once(reading.stdout ?? reading, "data");
  reading.stdout?.destroy();
  expect((await code)[0]).toBe(0);
});

test("help and no colours", async () => {
  const help = await runProgram(["--help"]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  for (const name of "up api worker create ls show watch logs artifacts pause resume cancel retry delete".split(
    " ",
  ))
    expect(help.stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
  expect((await stagefold("ls", "--no-color")).code).toBe(0);
  expect(await stagefold("--version")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

test("schedules are made, listed, shown, changed and deleted", async () => {
  const args = [
    "create",
    "nightly",
    "a report",
    "--cron",
    "30 7 * * 1-5",
    "--time-zone",
    "Europe/Berlin",
    "--json",
  ];
  const made = JSON.parse((await stagefold("schedules", ...args)).stdout);
  expect(made).toMatchObject({ name: "nightly", status: "active", missed: "run_once" });
  const { schedule_id } = made;
  const shown = await stagefold("schedules", "show", schedule_id);
  expect(shown.stdout.split("\n").filter((line) => line.startsWith("next: "))).toHaveLength(5);
  expect((await stagefold("schedules", "list")).stdout).toMatch(/sched_[0-9a-f]{16} {2}active .* nightly\n$/);
  expect((await stagefold("schedules", "pause", schedule_id)).stdout).toContain("paused");
  const ran = JSON.parse((await stagefold("schedules", "run", schedule_id, "--json")).stdout);
  expect(await server.client.projects.get({ project_id: ran.last.project_id })).toMatchObject({
    status: "queued",
  });
  expect((await stagefold("schedules", "delete", schedule_id)).stdout).toBe(`${schedule_id} deleted\n`);
  expect(await stagefold("schedules", "list")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "no schedules\n",
  });
  const wrong = await stagefold("schedules", "create", "x", "y", "--cron", "every day");
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("five fields") });
});

test("webhooks are made, listed, paused, rotated and deleted", async () => {
  const url = "http://127.0.0.1:9/hook";
  const made = JSON.parse(
    (
      await stagefold(
        "webhooks",
        "create",
        url,
        ...["--event", "build.failed", "--event", "queue.stuck"],
        "--tag",
        "a",
        "--json",
      )
    ).stdout,
  );
  expect(made).toMatchObject({
    url,
    events: ["build.failed", "queue.stuck"],
    tags: ["a"],
    secret: expect.stringMatching(/^whsec_/),
  });
  const { webhook_id } = made;
  expect((await stagefold("webhooks", "list")).stdout).toContain(`${webhook_id}  active  standard  ${url}`);
  expect((await stagefold("webhooks", "pause", webhook_id)).stdout).toContain("paused");
  expect((await stagefold("webhooks", "rotate", webhook_id)).stdout).toMatch(/^whsec_[A-Za-z0-9+/]{43}=\n$/);
  expect(await stagefold("webhooks", "deliveries", webhook_id)).toMatchObject({ code: 0, stdout: "" });
  expect(await stagefold("webhooks", "create", url, "--event", "build.exploded")).toMatchObject({ code: 2 });
  expect(await stagefold("webhooks", "create", "mailto:ops@example.org")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("STAGEFOLD_SMTP_URL"),
  });
  expect(await stagefold("webhooks", "replay", webhook_id, "none")).toMatchObject({ code: 1 });
  expect((await stagefold("webhooks", "delete", webhook_id)).stdout).toBe(`${webhook_id} deleted\n`);
});
