import { LLMock } from "@copilotkit/aimock";
import { DailySpending, MemoryRecordStore, type Project, readModelCalls, systemClock } from "@stagefold/core";
import { DEFAULT_PRICES, type ModelProvider, openModel } from "@stagefold/models";
import { brokenServer, PROVIDERS, settingsAt } from "@stagefold/models/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ModelAccess } from "../src/build/model-calls.ts";
import { type Bench, ended, openBench, stageOf } from "./harness.ts";

/** What each call of the test server uses: $0.0006 at the price of the Anthropic model. */
const usage = { prompt_tokens: 100, completion_tokens: 20, input_tokens: 100, output_tokens: 20 };

const PIPELINES = `
import { definePipeline, StageError } from "@stagefold/pipeline";
const schema = { type: "object", properties: { n: { type: "number" } }, required: ["n"], additionalProperties: false };
const ask = (ctx, text) => ctx.model.ask({ purpose: "test " + text, system: "You count.", messages: [{ role: "user", text }], schema });
const retry = { attempts: 3, backoff_seconds: 0 };
export const one = definePipeline({ name: "one", stages: [{ stage: "s", run: async (ctx) => (await ask(ctx, "count")).value }] });
export const five = definePipeline({ name: "five", stages: [{ stage: "s", run: async (ctx) => {
  await Promise.all(["a", "b", "c", "d", "e"].map((name) => ask(ctx, "count " + name)));
  return {};
} }] });
export const again = definePipeline({ name: "again", stages: [{ stage: "s", retry, run: async (ctx) => {
  const { value } = await ask(ctx, "count");
  if (ctx.attempt < 3) throw new StageError("not yet");
  return { ...value, environment: Object.keys(process.env).filter((name) => /KEY|AWS|MODEL/.test(name)) };
} }] });
export const beside = definePipeline({ name: "beside", stages: [
  { stage: "s", retry: { attempts: 2, backoff_seconds: 2 }, run: async (ctx) => {
    await Promise.all(["a", "b"].map((name) => ask(ctx, "count " + name)));
    if (ctx.attempt < 2) throw new StageError("not yet", { retry_in_seconds: 1 });
    return {};
  } },
  { stage: "t", needs: [], run: async (ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 700));
    return (await ask(ctx, "count")).value;
  } },
] });
export const without = definePipeline({ name: "without", stages: [{ stage: "s", run: (ctx) => ({ model: ctx.model === undefined }) }] });
export const wrong = definePipeline({ name: "wrong", stages: [{ stage: "s", run: async (ctx) => {
  const { text, value } = await ask(ctx, "chat");
  const refused = await ctx.model.ask({ purpose: "p", messages: [], schema }).catch((error) => error.message);
  return { text, none: value === undefined, refused };
} }] });
export const reserved = definePipeline({ name: "reserved", stages: [{ stage: "s", run: async (ctx) => {
  await ctx.artifact(".stagefold/model-calls.jsonl", "{}");
  return {};
} }] });
`;

const mock = new LLMock({ port: 0, logLevel: "silent" });
let bench: Bench;
let records: MemoryRecordStore;
/** What the one worker of these tests asks with, as each of them sets it. */
let current: ModelAccess;
const files = { "asking.ts": PIPELINES };

beforeAll(async () => {
  await mock.start();
  bench = await openBench({ files });
  const modelAccess: ModelAccess = {
    get model() {
      return current.model;
    },
    get spending() {
      return current.spending;
    },
    get budgetUsd() {
      return current.budgetUsd;
    },
    get secrets() {
      return current.secrets;
    },
  };
  bench.worker({ modelAccess }).start();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await mock.stop();
});
beforeEach(() => {
  mock.reset();
  mock.onMessage("count", { content: { n: 1 }, usage });
  mock.onMessage("chat", { content: "no JSON, test-secret", usage });
  records = new MemoryRecordStore();
});

const spending = () => new DailySpending(records, systemClock);

function access(provider: ModelProvider = "anthropic", url = mock.url, budgetUsd?: number): ModelAccess {
  const model = openModel(settingsAt(provider, url), { prices: DEFAULT_PRICES, maxRetries: 0 });
  return { model, spending: spending(), budgetUsd, secrets: ["test-secret"] };
}

async function run(pipeline: string, modelAccess: ModelAccess, limits?: Project["limits"]): Promise<Project> {
  current = modelAccess;
  return await bench.until(await bench.create(pipeline, undefined, limits), ended);
}

const callsOf = (project: Project, attempt = 1) =>
  readModelCalls({ project_id: project.project_id, stage: "s", attempt }, bench.artifacts);

describe.each(PROVIDERS)("%s", (provider) => {
  test("an answer, its tokens, cost and model in the metrics, and the call beside the log", async () => {
    const project = await run("one", access(provider));
    const stage = stageOf(project, "s");
    expect(stage.output_data).toMatchObject({ n: 1 });
    expect(stage.metrics).toMatchObject({ input_tokens: 100, output_tokens: 20, model_calls: 1 });
    expect(stage.metrics.model).toMatch(provider);
    expect(stage.metrics.cost_usd).toBeGreaterThan(0);
    expect(project.status === "completed" && project.build_summary?.cost_usd).toBe(stage.metrics.cost_usd);
    expect(await spending().today()).toBe(stage.metrics.cost_usd);
    expect(await callsOf(project)).toMatchObject([
      { call: 1, purpose: "test count", status: "completed", answer: '{"n":1}', system: "You count." },
    ]);
  });

  test.each([
    [429, "A limit of the model's provider"],
    [500, "HTTP 500"],
  ])("HTTP %i fails the stage with what it was", async (status, message) => {
    mock.reset();
    mock.nextRequestError(status, { message: "sk-inner words" });
    const project = await run("one", access(provider));
    expect(project).toMatchObject({
      status: "failed",
      error_info: { message: expect.stringContaining(message) },
    });
    expect(await callsOf(project)).toMatchObject([{ status: "failed" }]);
    expect(JSON.stringify([project, await callsOf(project)])).not.toContain("sk-inner");
  });

  test("a cut stream fails the stage, and the half answer is kept", async () => {
    await using server = await brokenServer(provider, "cut");
    const project = await run("one", access(provider, server.url));
    expect(project.status).toBe("failed");
    expect(await callsOf(project)).toMatchObject([{ status: "failed", code: "MODEL_UNAVAILABLE" }]);
  });
});

test("a hang ends with its stage, and so does the call", async () => {
  await using server = await brokenServer("anthropic", "silent");
  current = access("anthropic", server.url);
  const id = await bench.create("one");
  await expect.poll(() => server.requests()).toBe(1);
  await bench.repository.control.cancel(id);
  await bench.until(id, ({ status, lease }) => status === "cancelled" && lease.owner === undefined, 20);
});

test("a refusal is final and says so", async () => {
  mock.reset();
  mock.onMessage("count", { content: "I cannot", finishReason: "refusal", usage });
  const project = await run("again", access());
  expect(project).toMatchObject({
    status: "failed",
    error_info: { message: expect.stringMatching(/declined/) },
  });
  expect(stageOf(project, "s")).toMatchObject({ attempt: 1 });
});

test("later attempts take the answers that earlier ones paid for; no stage sees a key", async () => {
  const project = await run("again", access());
  expect(project.status).toBe("completed");
  expect(mock.getRequests()).toHaveLength(1);
  expect(stageOf(project, "s").output_data).toMatchObject({ n: 1, environment: [] });
  expect(await callsOf(project, 3)).toMatchObject([{ reused: true, answer: '{"n":1}', cost_usd: 0 }]);
  expect(project.status === "completed" && project.build_summary?.cost_usd).toBe(await spending().today());
});

test("the limits of a build stop it exactly, and what it spent stays recorded", async () => {
  // Two calls cost $0.0012: the third would begin above it.
  const project = await run("five", access(), { cost_usd: 0.0011 });
  expect(project).toMatchObject({ status: "failed", error_info: { code: "BUDGET_EXCEEDED" } });
  expect(mock.getRequests()).toHaveLength(2);
  expect(stageOf(project, "s").metrics).toMatchObject({ cost_usd: 0.0012, model_calls: 2 });
});

test("what a stage has spent that waits for its next attempt counts once against the limit of the build", async () => {
  // Three calls cost $0.0018; the two of the stage that waits, counted twice, would leave nothing for the third.
  const project = await run("beside", access(), { cost_usd: 0.002 });
  expect(project.status).toBe("completed");
  expect(mock.getRequests()).toHaveLength(3);
  expect(project.status === "completed" && project.build_summary?.cost_usd).toBe(0.0018);
});

test("a limit of tokens counts those of all attempts", async () => {
  const project = await run("five", access(), { tokens: 360 });
  expect(project).toMatchObject({ status: "failed", error_info: { code: "BUDGET_EXCEEDED" } });
  expect(mock.getRequests()).toHaveLength(3);
});

test("a limit of money is refused where the price of the model is not known", async () => {
  const model = openModel(
    { ...settingsAt("anthropic", mock.url), model: "of-our-own" },
    { prices: DEFAULT_PRICES },
  );
  const unpriced = { model, spending: spending(), secrets: [] };
  for (const [access, limits] of [
    [unpriced, { cost_usd: 1 }],
    [{ ...unpriced, budgetUsd: 1 }, undefined],
  ] as const) {
    const { error_info } = await run("one", access, limits);
    expect(error_info?.message).toContain("Set STAGEFOLD_MODEL_PRICES");
  }
  expect(mock.getRequests()).toEqual([]);
});

test("the day's budget is that of all builds", async () => {
  await spending().add(0.001);
  const project = await run("five", access("anthropic", mock.url, 0.002));
  expect(project).toMatchObject({ status: "failed", error_info: { code: "BUDGET_EXCEEDED" } });
  expect(mock.getRequests()).toHaveLength(2);
  expect(await spending().today()).toBe(0.0022);
});

test("an answer without JSON is the stage's to judge, a question that cannot be asked is refused, secrets are masked", async () => {
  const project = await run("wrong", access());
  const output = stageOf(project, "s").output_data;
  expect(output).toMatchObject({ none: true, text: "no JSON, test-secret" });
  expect(output.refused).toContain("A question to the language model");
  expect(await callsOf(project)).toMatchObject([{ status: "completed", answer: "no JSON, ***" }]);
});

test("without a language model a stage has none; the platform's own folder takes no artifacts", async () => {
  await using bench = await openBench({ files });
  bench.worker().start();
  const endOf = async (pipeline: string) => await bench.until(await bench.create(pipeline), ended);
  expect(stageOf(await endOf("without"), "s").output_data).toMatchObject({ model: true });
  expect(await endOf("reserved")).toMatchObject({
    error_info: { message: expect.stringContaining("the platform's own") },
  });
});
