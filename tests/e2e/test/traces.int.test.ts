import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { expect, it } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { start, tempFolder } from "./harness.ts";

const itInSoak = it.runIf(SOAK);

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const ASKED = "b7ad6b7169203331";
const PIPELINE = `
import { definePipeline } from "@stagefold/pipeline";
const schema = { type: "object", properties: { n: { type: "number" } }, required: ["n"], additionalProperties: false };
export default definePipeline({ name: "traced", stages: [
  { stage: "think", run: async (ctx) => {
    await ctx.model.ask({ purpose: "test", messages: [{ role: "user", text: "count" }], schema });
    return { ctx: ctx.traceparent, env: process.env.TRACEPARENT };
  } },
  { stage: "try", command: 'echo "in $TRACEPARENT"; test "$STAGEFOLD_ATTEMPT" = 2', retry: { attempts: 2, backoff_seconds: 0 } },
] });
`;

interface SentSpan {
  readonly name: string;
  readonly service: string;
  readonly spanId: string;
  readonly traceId: string;
  readonly parentSpanId: string | undefined;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A program that publishes an agent: its tool says which trace it runs in, and then a model answers. */
const MAKER = `
import { definePipeline } from "@stagefold/pipeline";
const TOOL = \`
import { createInterface } from "node:readline";

console.log(JSON.stringify({ type: "ready", protocol: 1, tools: [] }));
for await (const line of createInterface({ input: process.stdin })) {
  const { id } = JSON.parse(line);
  console.log(JSON.stringify({ type: "result", id, output: "in " + process.env.TRACEPARENT, failed: false }));
}\`;
export default definePipeline({ name: "maker", publishes: "agent", stages: [
  { stage: "make", run: async (ctx) => {
    await ctx.artifact("agents/t/t.mjs", TOOL);
    await ctx.artifact("prompts/t.yaml", "system_prompt: You help.");
    return { agent_name: "tracer", kind: "model", entry: "agents/t/t.mjs", prompt: "prompts/t.yaml",
      tools: [{ name: "where", description: "Says where it is", input_schema: { type: "object", properties: {} } }] };
  } },
] });
`;

interface SentLog {
  readonly service: string;
  readonly traceId: string;
  readonly body: { readonly stringValue: string };
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A collector that keeps what it gets. */
async function openCollector() {
  const spans: SentSpan[] = [];
  const logs: SentLog[] = [];
  const metrics: { readonly service: string; readonly name: string }[] = [];
  const server = createServer(async (req, res) => {
    let body = "";
    for await (const part of req) body += String(part);
    const sent = JSON.parse(body);
    const serviceOf = (resource: Resource) => String(plain(resource.attributes)["service.name"]);
    for (const { resource, scopeLogs } of sent.resourceLogs ?? [])
      for (const { logRecords } of scopeLogs)
        for (const one of logRecords)
          logs.push({ ...one, service: serviceOf(resource), attributes: plain(one.attributes) });
    for (const { resource, scopeMetrics } of sent.resourceMetrics ?? [])
      for (const { metrics: figures } of scopeMetrics)
        for (const { name } of figures) metrics.push({ service: serviceOf(resource), name });
    for (const { resource, scopeSpans } of sent.resourceSpans ?? [])
      for (const { spans: sent } of scopeSpans)
        for (const span of sent)
          spans.push({
            ...span,
            service: serviceOf(resource),
            failed: span.status.code === 2,
            attributes: plain(span.attributes),
          });
    res.setHeader("content-type", "application/json").end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans,
    logs,
    metrics,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Resource {
  readonly attributes: Parameters<typeof plain>[0];
}

function plain(attributes: readonly { key: string; value: object }[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

it("a build is one trace, from the request that made it to each call of the language model", async () => {
  await using folder = await tempFolder();
  await using collector = await openCollector();
  const pipelines = join(folder.path, "pipelines");
  await mkdir(pipelines);
  await writeFile(join(pipelines, "traced.ts"), PIPELINE);
  const mock = new LLMock({ port: 0, logLevel: "silent" });
  await mock.start();
  mock.onMessage("count", { content: { n: 1 }, usage: { prompt_tokens: 100, completion_tokens: 20 } });
  const env = {
    STAGEFOLD_PIPELINES: pipelines,
    STAGEFOLD_MODEL: "openai-compatible:gpt-4.1",
    STAGEFOLD_MODEL_URL: `${mock.url}/v1`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    STAGEFOLD_LOG_LEVEL: "info",
  };
  const { project_id, outputs, log } = await build(join(folder.path, "data"), env);
  await mock.stop();

  const ofTrace = collector.spans.filter((span) => span.traceId === TRACE);
  const named = (name: string) => ofTrace.filter((span) => span.name === name);
  const [create] = named("projects.create");
  expect(create).toMatchObject({ service: "stagefold-api", parentSpanId: ASKED, failed: false });
  expect(create?.attributes["stagefold.project_id"]).toBe(project_id);
  // Given back after the attempt that failed, and claimed again for the next.
  const builds = named("build traced");
  const [run, again] = builds;
  for (const build of builds)
    expect(build).toMatchObject({
      service: "stagefold-worker",
      parentSpanId: create?.spanId,
      failed: false,
      attributes: { "stagefold.project_id": project_id, "stagefold.pipeline": "traced" },
    });
  expect(builds.map(({ attributes }) => attributes["stagefold.status"])).toEqual(["queued", "completed"]);
  const [think] = named("stage think");
  expect(think).toMatchObject({ parentSpanId: run?.spanId, failed: false });
  const attempts = named("stage try").map(({ parentSpanId, failed, attributes }) => [
    parentSpanId,
    failed,
    attributes["stagefold.attempt"],
    attributes["stagefold.outcome"],
    attributes["error.type"],
  ]);
  expect(attempts).toEqual([
    [run?.spanId, true, 1, "failed", "STAGE_FAILED"],
    [again?.spanId, false, 2, "completed", undefined],
  ]);
  const [chat] = named("chat gpt-4.1");
  expect(chat).toMatchObject({ parentSpanId: think?.spanId, failed: false });
  expect(chat?.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4.1",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
  });
  // The writes of both are part of what made them, and every span's parent is there.
  const ids = new Set(ofTrace.map(({ spanId }) => spanId));
  expect(ofTrace.filter(({ parentSpanId = "" }) => !ids.has(parentSpanId))).toEqual([create]);
  const parentsOf = (name: string) => named(name).map(({ parentSpanId }) => parentSpanId);
  expect(parentsOf("store PutItem")).toContain(create?.spanId);
  expect(parentsOf("store UpdateItem")).toContain(run?.spanId);

  const within = (id: string | undefined) => `00-${TRACE}-${id}-01`;
  expect(outputs).toMatchObject({ ctx: within(think?.spanId), env: within(think?.spanId) });
  expect(log).toEqual([`in ${within(named("stage try")[1]?.spanId)}`]);

  // The log of the platform and its figures go there too.
  const line = collector.logs.find(
    ({ body, traceId }) => body.stringValue === "stage started" && traceId === TRACE,
  );
  expect(line).toMatchObject({
    service: "stagefold-worker",
    attributes: { project: project_id, stage: "think" },
  });
  const figures = collector.metrics.map(({ service, name }) => `${service} ${name}`);
  expect(figures).toContain("stagefold-worker stagefold_worker_stage_seconds");
  expect(figures).toContain("stagefold-api stagefold_procedure_duration_seconds");
});

itInSoak(
  "an answer of an agent is part of the trace of its call, with each call of the model and of a tool",
  async () => {
    await using folder = await tempFolder();
    await using collector = await openCollector();
    const pipelines = join(folder.path, "pipelines");
    await mkdir(pipelines);
    await writeFile(join(pipelines, "maker.ts"), MAKER);
    const mock = new LLMock({ port: 0, logLevel: "silent" });
    await mock.start();
    const usage = { prompt_tokens: 100, completion_tokens: 20 };
    mock.on(
      { userMessage: "where", hasToolResult: false },
      { toolCalls: [{ name: "where", arguments: {} }], usage },
    );
    mock.on({ userMessage: "where", hasToolResult: true }, { content: "There.", usage });
    const env = {
      STAGEFOLD_PIPELINES: pipelines,
      STAGEFOLD_MODEL: "openai-compatible:gpt-4.1",
      STAGEFOLD_MODEL_URL: `${mock.url}/v1`,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
    };
    const turn = await invokeOnce(join(folder.path, "data"), env);
    await mock.stop();
    expect(turn).toMatchObject({ status: "completed" });

    expect([collector.logs, collector.metrics]).toEqual([[], []]);
    const ofTrace = collector.spans.filter((span) => span.traceId === TRACE);
    const named = (name: string) => ofTrace.filter((span) => span.name === name);
    const [call] = named("agents.invoke");
    expect(call?.parentSpanId).toBe(ASKED);
    const [answer] = named("invoke_agent tracer");
    expect(answer).toMatchObject({
      parentSpanId: call?.spanId,
      failed: false,
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "tracer",
        "stagefold.invocation_id": turn.invocation_id,
        "stagefold.status": "completed",
      },
    });
    const chats = named("chat gpt-4.1");
    expect(chats).toHaveLength(2);
    for (const chat of chats)
      expect(chat).toMatchObject({
        parentSpanId: answer?.spanId,
        attributes: { "gen_ai.provider.name": "openai-compatible", "gen_ai.usage.input_tokens": 100 },
      });
    expect(named("execute_tool where")).toMatchObject([
      { parentSpanId: answer?.spanId, failed: false, attributes: { "gen_ai.tool.name": "where" } },
    ]);
    const [tool] = turn.blocks.filter(({ type }) => type === "tool");
    expect(tool).toMatchObject({ output: `in 00-${TRACE}-${answer?.spanId}-01` });
  },
);

async function invokeOnce(dataDir: string, env: NodeJS.ProcessEnv) {
  await using system = await start({ dataDir, env });
  const { client, url } = system;
  const { project_id } = await client.projects.create({ requirement: "x", pipeline: "maker" });
  const { agent_id, status, error_info } = await client.projects.waitForEnd({ project_id });
  expect(status, JSON.stringify(error_info)).toBe("completed");
  const answer = await fetch(`${url}/trpc/agents.invoke`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent: `00-${TRACE}-${ASKED}-01` },
    body: JSON.stringify({ agent_id, text: "where are you?" }),
  });
  const body: { result: { data: InvokedTurn } } = JSON.parse(await answer.text());
  return body.result.data;
}

interface InvokedTurn {
  readonly invocation_id: string;
  readonly status: string;
  readonly blocks: readonly { readonly type: string; readonly output?: string }[];
}

/** Ends the platform too: what it has not sent yet is sent then. */
async function build(dataDir: string, env: NodeJS.ProcessEnv) {
  await using system = await start({ dataDir, env });
  const answer = await fetch(`${system.url}/trpc/projects.create`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent: `00-${TRACE}-${ASKED}-01` },
    body: JSON.stringify({ requirement: "x", pipeline: "traced" }),
  });
  const made: { result: { data: { project_id: string } } } = JSON.parse(await answer.text());
  const { project_id } = made.result.data;
  const project = await system.client.projects.waitForEnd({ project_id });
  const lines = await system.client.stages.logs({ project_id, stage: "try" });
  return {
    project_id,
    outputs: project.stages_snapshot.stages[0]?.output_data,
    log: lines.items.map(({ text }) => text),
  };
}
