import { LLMock } from "@copilotkit/aimock";
import type { ToolBlock } from "@stagefold/core";
import { DEFAULT_PRICES, type Model, openModel } from "@stagefold/models";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { markdownToDocx } from "../../agent-build/assets/tools/lib/markdown.mjs";
import { anAgent, aRunner, builtAgent } from "./fixture.ts";

const mock = new LLMock({ port: 0, logLevel: "silent" });
const usage = { input_tokens: 100, output_tokens: 20 };
let spent = 0;
let vision: Model;
let at: Awaited<ReturnType<typeof aRunner>>;

beforeAll(async () => {
  await mock.start();
  const settings = {
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    url: `${mock.url}/v1`,
    apiKey: "k",
  } as const;
  vision = openModel(
    { provider: "openai-compatible", model: "sees", url: `${mock.url}/v1` },
    { prices: DEFAULT_PRICES, maxRetries: 0 },
  );
  const model = openModel(settings, { prices: DEFAULT_PRICES, maxRetries: 0 });
  at = await aRunner({
    model: (name) => (name === "default" ? model : name === vision.name ? vision : undefined),
    spending: {
      isOver: async () => spent > 0.005,
      add: async (usd) => {
        spent += usd;
      },
    },
  });
});

afterAll(async () => {
  await at[Symbol.asyncDispose]();
  await mock.stop();
});

beforeEach(() => {
  mock.reset();
  spent = 0;
});

const TOOLS = `
  import { readFile } from "node:fs/promises";
  import { createInterface } from "node:readline";
  const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
  say({ type: "ready", protocol: 1, tools: [] });
  const tools = {
    read: async ({ name }) => await readFile(name, "utf8"),
    boom: async () => { throw new Error("boom went the tool"); },
    die: async () => process.exit(7),
    count: async () => String((globalThis.n = (globalThis.n ?? 0) + 1)),
    text: async (input) => typeof input + " " + input,
    write: async ({ name, text }) => { const fs = await import("node:fs/promises"); await fs.writeFile(name, text); return "written"; },
    huge: async () => "x".repeat(300_000),
    vast: async () => "x".repeat(6_000_000),
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, tool, input } = JSON.parse(line);
    try { say({ type: "result", id, output: await tools[tool](input), failed: false }); }
    catch (error) { say({ type: "result", id, output: error.message, failed: true }); }
  }`;

const object = { type: "object", properties: {} };
const PROMPT = "system_prompt: You help.\ntools:\n  - name: text\n    input: ['so or so']\n";

const modelAgent = (settings = {}) =>
  anAgent(
    at.artifacts,
    { "agents/m/m.mjs": TOOLS, "prompts/m.yaml": PROMPT },
    {
      entry: "agents/m/m.mjs",
      prompt: "prompts/m.yaml",
      kind: "model",
      tools: [
        { name: "text", description: "Takes a text." },
        ...["read", "write", "boom", "die", "count", "huge", "vast"].map((name) => ({
          name,
          description: name,
          input_schema: object,
        })),
      ],
    },
    settings,
  );

const call = (name: string, input: Record<string, unknown> = {}, content = "") => ({
  ...(content !== "" && { content }),
  toolCalls: [{ name, arguments: input }],
  usage,
});
const toolsOf = (blocks: readonly { type: string }[]) =>
  blocks.filter((block): block is ToolBlock => block.type === "tool");
const lastRequest = () => JSON.stringify(mock.getLastRequest()?.body);

describe("a model agent", () => {
  test("answers with its tools, its prompt and the files of the question", async () => {
    mock.on({ userMessage: "read", hasToolResult: false }, call("read", { name: "a.txt" }, "One moment. "));
    mock.on({ userMessage: "read", hasToolResult: true }, { content: "It says hello.", usage });
    const file = await at.file("a.txt", "hello from a file");
    const { outcome, blocks, text } = await at.ask(await modelAgent(), { text: "read it", files: [file] });
    expect(outcome).toMatchObject({
      status: "completed",
      finish_reason: "stop",
      usage: {
        input_tokens: 200,
        output_tokens: 40,
        tool_calls: 1,
        steps: 2,
        model: "anthropic:claude-sonnet-4-5",
      },
    });
    expect(outcome.usage.cost_usd).toBeCloseTo(0.0012, 8);
    expect(blocks.map((block) => block.type)).toEqual(["text", "tool", "text"]);
    expect(toolsOf(blocks)[0]).toMatchObject({
      name: "read",
      status: "completed",
      output: "hello from a file",
    });
    expect(text).toBe("One moment. It says hello.");
    expect(lastRequest()).toContain("You help.");
    expect(lastRequest()).toContain("hello from a file");
  });

  test("whose tools say more than an answer may hold is ended", async () => {
    const toolCalls = Array.from({ length: 8 }, () => ({ name: "vast", arguments: {} }));
    mock.on({ userMessage: "vast", hasToolResult: false }, { toolCalls, usage });
    const { outcome, blocks } = await at.ask(await modelAgent(), { text: "vast" });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "MODEL_LIMIT" } });
    expect(toolsOf(blocks).map(({ status }) => status)).toEqual([...Array(5).fill("completed"), "failed"]);
  });

  test("knows the conversation with its tools and files", async () => {
    mock.on({ userMessage: "first", hasToolResult: false }, call("read", { name: "a.txt" }));
    mock.on({ userMessage: "first", hasToolResult: true }, { content: "Read.", usage });
    mock.onMessage("second", { content: "Yes.", usage });
    const agent = await modelAgent();
    const file = await at.file("a.txt", "a sentence to remember");
    const first = await at.ask(agent, { text: "first", files: [file] });
    const second = await at.ask(agent, { text: "second", history: [first.turn] });
    expect(second.text).toBe("Yes.");
    const request = lastRequest();
    for (const part of ["first", "a sentence to remember", "tool_calls", "Read.", "second"])
      expect(request).toContain(part);
  });

  test("reads the text of a document", async () => {
    mock.on(
      { predicate: (request) => JSON.stringify(request).includes("High at six.") },
      { content: "Six.", usage },
    );
    const file = await at.file("tides.docx", await markdownToDocx("# Tides\n\nHigh at six."));
    expect((await at.ask(await modelAgent(), { text: "when?", files: [file] })).text).toBe("Six.");
  });

  test("gets a picture as one", async () => {
    mock.onMessage("look", { content: "A dot.", usage });
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
      "base64",
    );
    const file = await at.file("dot.png", png, "image/png");
    const agent = await modelAgent({ model: vision.name });
    const { text, outcome } = await at.ask(agent, { text: "look", files: [file] });
    expect(text).toBe("A dot.");
    // A model without a price.
    expect(outcome.usage).toMatchObject({ model: "openai-compatible:sees", cost_usd: 0 });
    expect(lastRequest()).toContain(png.toString("base64").slice(0, 40));
  });

  test.each([
    ["throws", "boom", "boom went the tool"],
    ["ends its process", "die", "exited with 7"],
  ])("a tool that %s gives its error as the result", async (_name, tool, message) => {
    mock.on({ userMessage: "go", hasToolResult: false }, call(tool));
    mock.on({ userMessage: "go", hasToolResult: true }, { content: "It failed.", usage });
    const { outcome, blocks } = await at.ask(await modelAgent(), { text: "go" });
    expect(outcome.status).toBe("completed");
    expect(toolsOf(blocks)[0]).toMatchObject({ status: "failed", output: expect.stringContaining(message) });
    expect(lastRequest()).toContain(message);
  });

  test("the same call that fails three times ends the answer", async () => {
    mock.onMessage("go", call("boom", { a: 1 }, "Again. "));
    const { outcome, blocks, text } = await at.ask(await modelAgent(), { text: "go" });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "AGENT_FAILED" } });
    expect(toolsOf(blocks)).toHaveLength(3);
    expect(text).toBe("Again. Again. Again. ");
    expect(outcome.usage).toMatchObject({ output_tokens: 60, steps: 3, tool_calls: 3 });
  });

  test("its tools keep their process from one call to the next; a text tool gets a text; a long result is cut for the model alone", async () => {
    mock.on({ userMessage: "go", toolResultContains: "xxxx" }, { content: "Done.", usage });
    mock.on({ userMessage: "go", toolResultContains: "string" }, call("huge"));
    mock.on({ userMessage: "go", toolResultContains: "2" }, call("text", { input: "so" }));
    mock.on({ userMessage: "go", toolResultContains: "1" }, call("count"));
    mock.on({ userMessage: "go" }, call("count"));
    const { outcome, blocks } = await at.ask(await modelAgent(), { text: "go" });
    expect(outcome.status).toBe("completed");
    expect(toolsOf(blocks).map(({ output }) => output?.slice(0, 9))).toEqual([
      "1",
      "2",
      "string so",
      "xxxxxxxxx",
    ]);
    expect(toolsOf(blocks)[3]?.output).toHaveLength(300_000);
    expect(lastRequest().length).toBeLessThan(150_000);
  });

  test("steps, budget and time have limits", async () => {
    mock.onMessage("go", call("count"));
    const steps = await at.ask(await modelAgent({ max_steps: 2 }), { text: "go" });
    expect(steps.outcome).toMatchObject({ error: { code: "STEP_LIMIT" }, usage: { steps: 2 } });
    spent = 0;
    const budget = await at.ask(await modelAgent(), { text: "go" });
    // Each call costs 0.0006: the ninth brings it over half a cent, and there is no tenth.
    expect(budget.outcome).toMatchObject({ error: { code: "BUDGET_EXCEEDED" }, usage: { steps: 9 } });
    expect(spent).toBeCloseTo(0.0054, 8);
    mock.reset();
    spent = 0;
    mock.onMessage("slow", { content: "never" }, { latency: 5000 });
    const time = await at.ask(await modelAgent({ timeout_seconds: 1 }), { text: "slow" });
    expect(time.outcome).toMatchObject({ status: "failed", error: { code: "AGENT_TIMEOUT" } });
  });

  test("the model is told which files a tool wrote, also later", async () => {
    mock.on({ userMessage: "go", hasToolResult: false }, call("write", { name: "r.md", text: "# R" }));
    mock.on({ userMessage: "go", toolResultContains: "[Files written: r.md]" }, { content: "Done.", usage });
    const agent = await modelAgent();
    const first = await at.ask(agent, { text: "go" });
    expect(first.text).toBe("Done.");
    expect(toolsOf(first.blocks)[0]?.files).toMatchObject([{ name: "r.md", size: 3 }]);
    mock.on({ userMessage: "read it", toolResultContains: "# R" }, { content: "It says R.", usage });
    mock.on({ userMessage: "read it" }, call("read", { name: "r.md" }));
    const second = await at.ask(agent, { text: "read it", history: [first.turn] });
    expect(second.text).toBe("It says R.");
    expect(JSON.stringify(lastRequest())).toContain("[Files written: r.md]");
  });

  test("a refusal, a failing provider and a cut stream end as such", async () => {
    mock.onMessage("bad", { content: "No.", finishReason: "refusal" });
    expect((await at.ask(await modelAgent(), { text: "bad" })).outcome.error?.code).toBe("MODEL_REFUSED");
    mock.nextRequestError(500, { message: "secret words of the provider" });
    const failed = await at.ask(await modelAgent(), { text: "any" });
    expect(failed.outcome.error).toMatchObject({ code: "MODEL_UNAVAILABLE" });
    expect(JSON.stringify(failed.outcome)).not.toContain("secret words");
    mock.onMessage(
      "cut",
      { content: "A long answer that is cut somewhere in its middle", usage },
      { chunkSize: 5, latency: 20, disconnectAfterMs: 150 },
    );
    const cut = await at.ask(await modelAgent(), { text: "cut" });
    expect(cut.outcome).toMatchObject({ status: "failed", error: { code: "MODEL_UNAVAILABLE" } });
    expect(cut.text.length).toBeGreaterThan(0);
  });

  test("a stop ends model and tools and keeps the text", async () => {
    mock.onMessage("go", call("count", {}, "Working. "));
    const stop = new AbortController();
    const { outcome, text } = await at.ask(await modelAgent(), {
      text: "go",
      signal: stop.signal,
      onEvent: (event) => event.event === "tool" && stop.abort(),
    });
    expect(outcome).toMatchObject({ status: "cancelled", error: null });
    expect(text).toBe("Working. ");
  });

  test("an agent of the catalogue works with a model too", async () => {
    const built = await builtAgent(at.artifacts, "读取 CSV 表格，计算每列的平均值");
    const agent = { ...built, versions: built.versions.map((one) => ({ ...one, kind: "model" as const })) };
    mock.on({ userMessage: "mean", hasToolResult: false }, call("table_reader", { input: "s.csv average" }));
    mock.on({ userMessage: "mean", toolResultContains: "price: 15" }, { content: "15.", usage });
    const file = await at.file("s.csv", "price\n10\n20\n", "text/csv");
    expect((await at.ask(agent, { text: "the mean?", files: [file] })).text).toBe("15.");
  });
});
