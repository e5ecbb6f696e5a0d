import { monitorEventLoopDelay } from "node:perf_hooks";
import { text } from "node:stream/consumers";
import { parseRef } from "@stagefold/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AT, aModule, aRunner, builtAgent } from "./fixture.ts";

const SALES = "city,price,amount\nBerlin,10,1\nParis,20,2\nRome,60,6\n";

let at: Awaited<ReturnType<typeof aRunner>>;

beforeAll(async () => {
  at = await aRunner();
});

afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

describe("an agent of the catalogue", () => {
  test("answers a question about a file with its tool, and a second one about the first file", async () => {
    const agent = await builtAgent(at.artifacts, "读取 CSV 表格，计算每列的平均值");
    const csv = await at.file("sales 2026.csv", SALES, "text/csv");
    const first = await at.ask(agent, { text: "计算每列的平均值", files: [csv] });
    expect(first.outcome).toMatchObject({ status: "completed", error: null, usage: { tool_calls: 1 } });
    expect(first.blocks[0]).toMatchObject({ type: "tool", name: "table_reader", status: "completed" });
    expect(first.text).toContain("price: 30");
    expect(first.text).toContain("amount: 3");
    expect(first.outcome.first_text_at?.localeCompare(AT)).toBe(1);

    const second = await at.ask(agent, { text: "and the median?", history: [first.turn] });
    expect(second.text).toContain("price: 20");
    expect(second.text).toContain("amount: 2");

    const other = await at.ask(agent, {
      text: "What is the highest price?",
      history: [first.turn, second.turn],
    });
    expect(other.text).toBe("60");
    expect(at.problems).toEqual([]);
  });

  test("says what it cannot do", async () => {
    const agent = await builtAgent(at.artifacts, "A simple math calculation agent.");
    const done = await at.ask(agent, { text: "2*(3+4)" });
    expect(done.text).toBe("14");
    const not = await at.ask(agent, { text: "Write a poem." });
    expect(not.outcome.status).toBe("completed");
    expect(not.text).toContain("no tool fits");
  });
});

describe("a process", () => {
  test("that ends early fails the answer, and what it wrote is for the operator", async () => {
    const agent = await aModule(
      at.artifacts,
      'say({ type: "text", text: "half" }); console.error("inner words"); await new Promise((r) => setTimeout(r, 50)); process.exit(3);',
    );
    const { outcome, text } = await at.ask(agent, { text: "x" });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "AGENT_FAILED" } });
    expect(outcome.error?.message).toContain("exited with 3");
    expect(text).toBe("half");
    expect(at.problems.map(({ message }) => message).join()).toContain("inner words");
  });

  test("that hangs is ended at its time, and its text kept", async () => {
    const agent = await aModule(
      at.artifacts,
      'say({ type: "text", text: "soon" }); await new Promise((r) => setTimeout(r, 50)); for (;;);',
      {},
      { timeout_seconds: 1 },
    );
    const { outcome, text } = await at.ask(agent, { text: "x" });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "AGENT_TIMEOUT" } });
    expect(text).toBe("soon");
  });

  test("that is stopped ends at once, and its text is kept", async () => {
    const agent = await aModule(
      at.artifacts,
      `say({ type: "tool", id: "1", name: "t", input: {}, status: "running", output: null });
       say({ type: "text", text: "pid " + process.pid });
       await new Promise(() => setInterval(() => {}, 1000));`,
    );
    const stop = new AbortController();
    const started = performance.now();
    const { outcome, text, blocks } = await at.ask(agent, {
      text: "x",
      signal: stop.signal,
      onEvent: (event) => event.event === "text" && stop.abort(),
    });
    expect(outcome).toMatchObject({ status: "cancelled", error: null });
    expect(blocks[0]).toMatchObject({ type: "tool", status: "failed" });
    expect(performance.now() - started).toBeLessThan(20_000);
    const pid = Number(/pid (\d+)/.exec(text)?.[1]);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test("prints what it likes beside the protocol", async () => {
    const agent = await aModule(
      at.artifacts,
      'console.log("noise"); console.log("{}"); console.log(\'{"type":"text"}\'); say({ type: "text", text: "ok" });',
    );
    expect((await at.ask(agent, { text: "x" })).text).toBe("ok");
  });

  test("that names a tool's input of 50,000 levels fails its answer, and not the process that reads it", async () => {
    const agent = await aModule(
      at.artifacts,
      `const input = "[".repeat(50_000) + "]".repeat(50_000);
       process.stdout.write('{"type":"tool","id":"1","name":"x","status":"running","output":null,"input":' + input + '}\\n');
       await new Promise(() => setInterval(() => {}, 1000));`,
    );
    const { outcome, blocks } = await at.ask(agent, { text: "x" });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "AGENT_FAILED" } });
    expect(outcome.error?.message).toContain("said something that cannot be read");
    expect(blocks).toEqual([]);
  });

  test("whose listener throws is ended, and nothing else", async () => {
    const agent = await aModule(at.artifacts, 'say({ type: "text", text: "half" });');
    const onEvent = () => {
      throw new RangeError("Maximum call stack size exceeded");
    };
    const { outcome } = await at.ask(agent, { text: "x", onEvent });
    expect(outcome.error?.message).toContain("said something that cannot be read");
  });

  test.each([
    ["empty messages", '{"type":"text","text":""}'],
    ["noise", ""],
  ])("that floods its output with %s is ended, and holds up nothing else meanwhile", async (_name, line) => {
    const agent = await aModule(
      at.artifacts,
      `const flood = ${JSON.stringify(`${line}\n`)}.repeat(10_000);
       for (;;) if (!process.stdout.write(flood)) await new Promise((r) => process.stdout.once("drain", r));`,
    );
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const { outcome } = await at.ask(agent, { text: "x" });
    delay.disable();
    expect(outcome.error?.message).toContain("said more lines than are taken");
    expect(delay.max / 1e6).toBeLessThan(1000);
  });

  test("that never ends its line is ended", async () => {
    const agent = await aModule(
      at.artifacts,
      'const junk = "x".repeat(1 << 20); for (let i = 0; i < 12; i++) process.stdout.write(junk); await new Promise(() => setInterval(() => {}, 1000));',
    );
    const { outcome } = await at.ask(agent, { text: "x" });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "AGENT_FAILED" } });
  });

  test("that says too much is ended", async () => {
    const agent = await aModule(
      at.artifacts,
      'for (let i = 0; i < 30; i++) say({ type: "text", text: "x".repeat(50_000) });',
    );
    const { outcome, text } = await at.ask(agent, { text: "x" });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "AGENT_FAILED" } });
    expect(text.length).toBeGreaterThan(900_000);
  });

  test.each([
    ["uses too many tools", 'for (let i = 0; i < 1100; i++) say({ type: "tool", id: String(i), ...tool });'],
    [
      "says too much in outputs of tools",
      `for (let i = 0; i < 8; i++) {
         say({ type: "tool", id: String(i), ...tool });
         say({ type: "tool", id: String(i), ...tool, status: "completed", output: "x".repeat(5_000_000) });
       }`,
    ],
    [
      "says too much in inputs of tools",
      'for (let i = 0; i < 8; i++) say({ type: "tool", id: String(i), ...tool, input: "x".repeat(5_000_000) });',
    ],
  ])("that %s is ended, and each tool with it", async (_name, act) => {
    const agent = await aModule(
      at.artifacts,
      `const tool = { name: "t", input: {}, status: "running", output: null }; ${act}
       await new Promise(() => setInterval(() => {}, 1000));`,
    );
    const { outcome, blocks } = await at.ask(agent, { text: "x" });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "AGENT_FAILED" } });
    expect(outcome.error?.message).toContain("too long");
    const tools = blocks.filter((block) => block.type === "tool");
    expect(tools.length).toBeGreaterThan(5);
    expect(tools.length).toBeLessThanOrEqual(1000);
    expect(tools.filter(({ status }) => status === "running")).toEqual([]);
  });

  test("gets the whole of a character that arrives in two halves", async () => {
    const agent = await aModule(
      at.artifacts,
      'say({ type: "text", text: "a\\ud83d" }); say({ type: "text", text: "\\ude00b" });',
    );
    expect((await at.ask(agent, { text: "x" })).text).toBe("a😀b");
  });
});

describe("files that an agent writes", () => {
  const WRITES = `
    const fs = await import("node:fs/promises");
    const tool = (id, status) => say({ type: "tool", id, name: "write", input: {}, status, output: status === "running" ? null : "done" });
    if (order.text === "again") {
      const old = await fs.readFile("out/report.md", "utf8");
      tool("1", "running");
      await fs.writeFile("out/report.md", old + "more");
      await fs.writeFile("data.csv", await fs.readFile("data.csv"));
      tool("1", "completed");
    } else {
      tool("1", "running"); tool("1", "completed"); tool("2", "running"); tool("2", "completed");
      await fs.mkdir("out");
      await fs.writeFile("out/report.md", "# Report");
      await fs.writeFile("chart.png", Buffer.from([137, 80]));
      await fs.writeFile(".hidden", "x");
      await fs.writeFile(process.env.NAMED + ".txt", "x");
      await fs.writeFile("big.bin", Buffer.alloc(21 * 1024 * 1024));
      if (order.text === "die") process.exit(1);
    }`;

  test("are kept below the turn, and are there in the next one", async () => {
    await using own = await aRunner({ secrets: { get: async () => new Map([["NAMED", "hunter2-key"]]) } });
    const agent = await aModule(own.artifacts, WRITES, { secrets: ["NAMED"] });
    const csv = await own.file("data.csv", "a,b", "text/csv");
    const first = await own.ask(agent, { text: "write", files: [csv] });
    const [one, two] = first.blocks;
    expect(one).not.toHaveProperty("files");
    if (two?.type !== "tool") throw new Error("expected a tool");
    expect(two.files).toMatchObject([
      { name: "chart.png", media_type: "image/png", size: 2 },
      { name: "out/report.md", media_type: "text/markdown", size: 8 },
    ]);
    expect(two.left_out).toMatch(
      /^Not kept: big\.bin \(22020096 bytes are more than may be kept\), \*\*\*\.txt \(its name has a secret in it\)\.$/,
    );
    const [, report] = two.files ?? [];
    const place = parseRef(report?.ref ?? "");
    expect(place).toMatchObject({ project_id: expect.stringMatching(/^sess_/), stage: "made", attempt: 1 });
    const stored = await own.artifacts.get(place);
    expect(stored && (await text(stored.stream))).toBe("# Report");

    const second = await own.ask(agent, { text: "again", history: [first.turn] });
    expect(second.blocks).toMatchObject([{ files: [{ name: "out/report.md", size: 12 }] }]);
    // What the first answer names is still what it was.
    const before = await own.artifacts.get(place);
    expect(before && (await text(before.stream))).toBe("# Report");
  });

  test("are kept when it fails, and stand for themselves without a tool", async () => {
    const agent = await aModule(
      at.artifacts,
      `const tool = 1; ${WRITES.replaceAll(/tool\("\d", "\w+"\);/g, "")}`.replace(
        "const tool = (id",
        "const _tool = (id",
      ),
    );
    const { outcome, blocks } = await at.ask(agent, { text: "die" });
    expect(outcome.status).toBe("failed");
    expect(blocks).toMatchObject([
      { type: "tool", name: "files", status: "completed", files: [{}, { name: "out/report.md" }, {}] },
    ]);
  });
});

describe("a version", () => {
  test.each([
    ["whose files are gone", { files_gone: true }, "deleted"],
    ["whose entry was changed", { sha256: "0".repeat(64) }, "not the one that was published"],
    ["whose entry is not among its files", { entry: "agents/b.mjs" }, "is missing"],
    ["that names a file that is not there", { files: [{ path: "x", stage: "s", attempt: 1 }] }, "is missing"],
  ])("%s fails with a reason", async (_name, changed, reason) => {
    const agent = await aModule(at.artifacts, "", changed);
    const { outcome } = await at.ask(agent, { text: "x" });
    expect(outcome.error).toMatchObject({ code: "AGENT_FAILED", message: expect.stringContaining(reason) });
  });

  test("without a model answers so where it needs one", async () => {
    const agent = await aModule(at.artifacts, "", { kind: "model" });
    expect((await at.ask(agent, { text: "x" })).outcome.error?.code).toBe("MODEL_UNAVAILABLE");
  });
});
