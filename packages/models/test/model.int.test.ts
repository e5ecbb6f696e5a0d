import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { ModelError, type ToolSpec } from "../src/index.ts";
import { brokenServer, modelAt, PROVIDERS } from "./providers.ts";

const mock = new LLMock({ port: 0, logLevel: "silent" });

beforeAll(async () => {
  await mock.start();
});

afterAll(async () => {
  await mock.stop();
});

beforeEach(() => {
  mock.reset();
});

const Plan = z.object({ title: z.string(), steps: z.array(z.string()).min(1) });
const ask = (text: string) => ({ schema: Plan, messages: [{ role: "user" as const, text }] });

const mean: ToolSpec = {
  name: "mean",
  description: "The mean of numbers.",
  input_schema: {
    type: "object",
    properties: { numbers: { type: "array", items: { type: "number" } } },
    required: ["numbers"],
  },
};

/** Of each answer, in the names of every provider. */
const usage = { prompt_tokens: 100, completion_tokens: 20, input_tokens: 100, output_tokens: 20 };

/** How each provider says that the model declined. */
const REFUSALS = {
  anthropic: "refusal",
  bedrock: "guardrail_intervened",
  "openai-compatible": "content_filter",
} as const;

const SECRET = "sk-secret-in-provider-words";

async function errorOf(promise: Promise<unknown>): Promise<ModelError> {
  const error = await promise.then(
    () => new Error("no error"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ModelError)) throw error;
  return error;
}

describe.each(PROVIDERS)("%s", (provider) => {
  test("an object that fits its schema, with tokens and cost", async () => {
    mock.onMessage("plan", { content: { title: "T", steps: ["a"] }, usage });
    const model = modelAt(provider, mock.url);
    const answer = await model.object(ask("a plan"));
    expect(answer.answer).toEqual({ title: "T", steps: ["a"] });
    expect(answer.usage).toMatchObject({ input_tokens: 100, output_tokens: 20 });
    expect(answer.usage.cost_usd).toBeCloseTo(provider === "openai-compatible" ? 0.00036 : 0.0006, 8);
    expect(model.prices.known).toBe(true);
  });

  test("an answer that does not fit is invalid, and its text and faults serve one repair", async () => {
    mock.onMessage("plan", { content: '{"title": "T", "steps": []}', usage });
    mock.onMessage("repair", { content: { title: "T", steps: ["b"] } });
    const model = modelAt(provider, mock.url);
    const error = await errorOf(model.object(ask("a plan")));
    expect(error).toMatchObject({ code: "OUTPUT_INVALID", text: '{"title": "T", "steps": []}' });
    expect(error.issues.join()).toContain("steps");
    expect(error.usage?.output_tokens).toBe(20);
    const repaired = await model.object({
      schema: Plan,
      messages: [
        { role: "user", text: "a plan" },
        { role: "assistant", text: error.text ?? "" },
        { role: "user", text: `repair: ${error.issues.join()}` },
      ],
    });
    expect(repaired.answer.steps).toEqual(["b"]);
  });

  test("text that is no JSON is invalid; a fence around JSON is taken off", async () => {
    mock.onMessage("plan", { content: "Here you are: {" });
    mock.onMessage("fence", { content: '```json\n{"title": "F", "steps": ["x"]}\n```' });
    const model = modelAt(provider, mock.url);
    expect((await errorOf(model.object(ask("a plan")))).code).toBe("OUTPUT_INVALID");
    expect((await model.object(ask("a fence"))).answer.title).toBe("F");
  });

  test("a tool loop streams text, runs tools after the call and sums up what it used", async () => {
    mock.on(
      { userMessage: "mean", hasToolResult: false },
      {
        content: "Let me see. ",
        toolCalls: [{ name: "mean", arguments: { numbers: [1, 2, 6] }, id: "call_1" }],
        usage,
      },
    );
    mock.on(
      { userMessage: "mean", hasToolResult: true, toolResultContains: "3" },
      { content: "It is 3.", usage },
    );
    const heard: string[] = [];
    const totals: number[] = [];
    const answer = await modelAt(provider, mock.url).converse({
      system: "You calculate.",
      messages: [{ role: "user", text: "the mean of 1, 2, 6" }],
      tools: [mean],
      maxSteps: 5,
      onText: (text) => heard.push(text),
      onUsage: (usage) => totals.push(usage.output_tokens),
      runTool: async (call) => {
        heard.push(`<${call.name} ${JSON.stringify(call.input)}>`);
        return { output: "3" };
      },
    });
    expect(heard.join("")).toBe('Let me see. <mean {"numbers":[1,2,6]}>It is 3.');
    expect(answer).toMatchObject({ steps: 2, tool_calls: 1, finish: "stop" });
    expect(totals).toEqual([20, 40]);
    expect(answer.usage.output_tokens).toBe(40);
  });

  test("history with tools is taken as it was", async () => {
    mock.on(
      { predicate: (request) => JSON.stringify(request).includes("earlier-result") },
      { content: "Yes." },
    );
    const answer = await modelAt(provider, mock.url).converse({
      messages: [
        { role: "user", text: "first" },
        { role: "assistant", text: "Wait.", calls: [{ id: "c1", name: "mean", input: { numbers: [1] } }] },
        { role: "tool", results: [{ id: "c1", name: "mean", output: "earlier-result" }] },
        { role: "assistant", text: "It is 1." },
        { role: "user", text: "sure?" },
      ],
      tools: [mean],
      maxSteps: 1,
      runTool: async () => ({ output: "" }),
    });
    expect(answer.finish).toBe("stop");
  });

  test("the same call that fails three times ends it; other failures are answers to the model", async () => {
    mock.onMessage("loop", { toolCalls: [{ name: "mean", arguments: { numbers: [] } }] });
    let runs = 0;
    const conversation = modelAt(provider, mock.url).converse({
      messages: [{ role: "user", text: "loop" }],
      tools: [mean],
      maxSteps: 10,
      runTool: async () => {
        runs++;
        return { output: "expected numbers", failed: true };
      },
    });
    expect((await errorOf(conversation)).code).toBe("AGENT_FAILED");
    expect(runs).toBe(3);
  });

  test("no more calls than steps", async () => {
    mock.onMessage("loop", { toolCalls: [{ name: "mean", arguments: { numbers: [1] } }], usage });
    const conversation = modelAt(provider, mock.url).converse({
      messages: [{ role: "user", text: "loop" }],
      tools: [mean],
      maxSteps: 4,
      runTool: async () => ({ output: "1" }),
    });
    const error = await errorOf(conversation);
    expect(error.code).toBe("STEP_LIMIT");
    expect(error.usage?.output_tokens).toBe(80);
    expect(mock.getRequests()).toHaveLength(4);
  });

  test("a budget stops before the next call, exactly", async () => {
    mock.onMessage("loop", { toolCalls: [{ name: "mean", arguments: { numbers: [1] } }], usage });
    let asked = 0;
    const conversation = modelAt(provider, mock.url).converse({
      messages: [{ role: "user", text: "loop" }],
      tools: [mean],
      maxSteps: 10,
      beforeCall: (soFar) => {
        asked++;
        if (asked === 3) {
          expect(soFar.output_tokens).toBe(40);
          throw new ModelError("BUDGET_EXCEEDED", "The day's budget is used up.");
        }
      },
      runTool: async () => ({ output: "1" }),
    });
    expect((await errorOf(conversation)).code).toBe("BUDGET_EXCEEDED");
    expect(mock.getRequests()).toHaveLength(2);
  });

  test.each([
    [429, "MODEL_LIMIT"],
    [500, "MODEL_UNAVAILABLE"],
    [529, "MODEL_UNAVAILABLE"],
    [401, "MODEL_UNAVAILABLE"],
    [404, "MODEL_UNAVAILABLE"],
    [413, "MODEL_LIMIT"],
  ] as const)("HTTP %i is %s, and the provider's words stay out of the message", async (status, code) => {
    mock.nextRequestError(status, { message: SECRET });
    const error = await errorOf(modelAt(provider, mock.url).object(ask("a plan")));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain(SECRET);
  });

  test("a context that is too long is the model's limit", async () => {
    mock.nextRequestError(400, { message: "prompt is too long: 250000 tokens > 200000 maximum" });
    expect((await errorOf(modelAt(provider, mock.url).object(ask("a plan")))).code).toBe("MODEL_LIMIT");
  });

  test("a call that failed before its answer began is made again", async () => {
    mock.onMessage("plan", { content: { title: "T", steps: ["a"] } });
    mock.nextRequestError(429, { message: "slow down" });
    const answer = await modelAt(provider, mock.url, 1).object(ask("a plan"));
    expect(answer.answer.title).toBe("T");
  });

  test("a refusal is one", async () => {
    mock.onMessage("plan", { content: "I cannot", finishReason: REFUSALS[provider] });
    expect((await errorOf(modelAt(provider, mock.url).object(ask("a plan")))).code).toBe("MODEL_REFUSED");
  });

  test("an answer that was cut at the limit of tokens is not a whole one", async () => {
    mock.onMessage("talk", { content: "On and on", finishReason: "length" });
    let text = "";
    const conversation = modelAt(provider, mock.url).converse({
      messages: [{ role: "user", text: "talk" }],
      tools: [],
      maxSteps: 3,
      maxOutputTokens: 5,
      onText: (part) => {
        text += part;
      },
      runTool: async () => ({ output: "" }),
    });
    expect((await errorOf(conversation)).code).toBe("MODEL_LIMIT");
    expect(text).toBe("On and on");
  });

  test.each(["end", "cut"] as const)(
    "a stream that breaks (%s) keeps its text and is not tried again",
    async (ending) => {
      await using server = await brokenServer(provider, ending);
      let text = "";
      const conversation = modelAt(provider, server.url, 2).converse({
        messages: [{ role: "user", text: "talk" }],
        tools: [],
        maxSteps: 3,
        onText: (part) => {
          text += part;
        },
        runTool: async () => ({ output: "" }),
      });
      expect((await errorOf(conversation)).code).toBe("MODEL_UNAVAILABLE");
      expect(text).toBe("Half an answer");
      expect(server.requests()).toBe(1);
    },
  );

  test.each(["hang", "silent"] as const)("a hang (%s) is a time-out, and a stop is not", async (ending) => {
    await using server = await brokenServer(provider, ending);
    const model = modelAt(provider, server.url);
    const timedOut = model.object({ ...ask("a plan"), signal: AbortSignal.timeout(300) });
    expect((await errorOf(timedOut)).code).toBe("AGENT_TIMEOUT");
    const stop = new AbortController();
    const stopped = model.object({ ...ask("a plan"), signal: stop.signal });
    setTimeout(() => stop.abort(new Error("stopped by the user")), 100);
    await expect(stopped).rejects.toThrow("stopped by the user");
  });

  test("nothing listens there", async () => {
    const error = await errorOf(modelAt(provider, "http://127.0.0.1:9").object(ask("a plan")));
    expect(error.code).toBe("MODEL_UNAVAILABLE");
  });
});
