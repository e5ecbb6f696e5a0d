import { AsyncResource } from "node:async_hooks";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { StagefoldError } from "@stagefold/core";
import { pino } from "pino";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { expect, it, vi } from "vitest";
import { LogOutput, NO_TELEMETRY, openTelemetry } from "./index.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

interface SentSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

/** Takes what is posted, as a collector does. */
async function openSink() {
  const bodies: string[] = [];
  const headers: unknown[] = [];
  const server = createServer(async (req, res) => {
    let body = "";
    for await (const part of req) body += String(part);
    bodies.push(body);
    headers.push({ url: req.url, "x-key": req.headers["x-key"] });
    res.setHeader("content-type", "application/json").end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  const sent = (name: string) => bodies.flatMap((body) => JSON.parse(body)[name] ?? []);
  return {
    url: `http://127.0.0.1:${address.port}`,
    headers,
    resources: () => sent("resourceSpans"),
    spans: (): SentSpan[] =>
      sent("resourceSpans")
        .flatMap((one) => one.scopeSpans)
        .flatMap((one) => one.spans),
    metrics: () =>
      sent("resourceMetrics")
        .flatMap((one) => one.scopeMetrics)
        .flatMap((one) => one.metrics),
    logs: () =>
      sent("resourceLogs")
        .flatMap((one) => one.scopeLogs)
        .flatMap((one) => one.logRecords),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const loaded = () =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) =>
    path.includes("@opentelemetry/sdk-trace"),
  );
const options = {
  service: "stagefold-test",
  version: "1.2.3",
  registry: new Registry(),
  onLost: () => undefined,
  signals: { traces: true, metrics: false, logs: false, metricIntervalMs: 60_000 },
};

it("loads nothing and hands the caller's trace on where there is no collector", async () => {
  const telemetry = await openTelemetry({
    ...options,
    signals: { ...options.signals, traces: false },
  });
  expect(telemetry).toBe(NO_TELEMETRY);
  expect(await telemetry.span("a", { parent: PARENT }, async (span) => span.traceparent)).toBe(PARENT);
  expect(loaded()).toEqual([]);
});

it("sends spans with their parents, their failures and the requests made within them", async () => {
  await using sink = await openSink();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url);
  vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret");
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
  const telemetry = await openTelemetry(options);
  expect(loaded()).not.toEqual([]);
  const request = { operation: "GetItem", ms: 5, ok: true, conditionFailed: false } as const;
  telemetry.storeRequest(request);
  let late: () => void = () => undefined;
  await telemetry.span("outer", { kind: "server", parent: PARENT, attributes: { n: 1 } }, async (outer) => {
    expect(outer.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    telemetry.storeRequest({
      ...request,
      operation: "UpdateItem",
      transition: "claim",
      conditionFailed: true,
      ok: false,
    });
    late = telemetry.within(outer, () => AsyncResource.bind(() => telemetry.storeRequest(request)));
    telemetry.outside(() => telemetry.storeRequest(request));
    const refused = telemetry.span("inner", {}, async () => {
      throw new StagefoldError("STORE_UNAVAILABLE", "away", { retry_after: 1 });
    });
    await expect(refused).rejects.toThrow("away");
  });
  // What the span began is not part of it any more.
  late();
  await telemetry.span("malformed", { parent: "00-xyz" }, async () => undefined);
  await telemetry.close();

  const spans = Object.fromEntries(sink.spans().map((span) => [span.name, span]));
  expect(Object.keys(spans).sort()).toEqual(["inner", "malformed", "outer", "store UpdateItem"]);
  const { inner, outer, malformed, "store UpdateItem": store } = spans;
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  expect(outer).toMatchObject({ kind: 2, traceId, parentSpanId: "b7ad6b7169203331", status: { code: 0 } });
  expect(inner).toMatchObject({ kind: 1, traceId, parentSpanId: outer?.spanId, status: { code: 2 } });
  expect(inner?.attributes).toEqual([{ key: "error.type", value: { stringValue: "STORE_UNAVAILABLE" } }]);
  expect(store).toMatchObject({ kind: 3, traceId, parentSpanId: outer?.spanId, status: { code: 0 } });
  expect(store?.attributes).toContainEqual({ key: "stagefold.transition", value: { stringValue: "claim" } });
  expect(malformed?.traceId).not.toBe(traceId);
  expect(malformed?.parentSpanId).toBeUndefined();
  expect(sink.headers).toEqual([{ url: "/v1/traces", "x-key": "secret" }]);
  const attributes = sink.resources()[0].resource.attributes;
  for (const [key, stringValue] of [
    ["service.name", "stagefold-test"],
    ["service.version", "1.2.3"],
    ["deployment.environment.name", "test"],
  ])
    expect(attributes).toContainEqual({ key, value: { stringValue } });
});

const ALL = { traces: true, metrics: true, logs: true, metricIntervalMs: 60_000 };

it("sends the figures of the process under their names, as counts, levels and distributions", async () => {
  await using sink = await openSink();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url);
  const registry = new Registry();
  const registers = [registry];
  const claims = new Counter({ name: "claims_total", help: "Builds claimed", labelNames: ["by"], registers });
  claims.inc({ by: "a" }, 3);
  new Gauge({ name: "memory_bytes", help: "Used", registers }).set(7);
  const buckets = [1, 5];
  const times = new Histogram({
    name: "stage_seconds",
    help: "Time",
    labelNames: ["stage"],
    buckets,
    registers,
  });
  for (const seconds of [0.5, 0.5, 3, 60]) times.observe({ stage: "one" }, seconds);
  times.observe({ stage: "two" }, 2);
  const signals = { ...ALL, traces: false, logs: false };
  const telemetry = await openTelemetry({ ...options, signals, registry });
  expect(telemetry.log).toBeUndefined();
  await telemetry.close();

  const [counter, gauge, histogram] = sink.metrics();
  expect(counter).toMatchObject({
    name: "claims_total",
    description: "Builds claimed",
    sum: {
      isMonotonic: true,
      aggregationTemporality: 2,
      dataPoints: [{ asDouble: 3, attributes: [{ key: "by", value: { stringValue: "a" } }] }],
    },
  });
  expect(gauge).toMatchObject({ name: "memory_bytes", unit: "By", gauge: { dataPoints: [{ asDouble: 7 }] } });
  expect(histogram).toMatchObject({ name: "stage_seconds", unit: "s" });
  expect(histogram.histogram.dataPoints).toMatchObject([
    { count: 4, sum: 64, explicitBounds: [1, 5], bucketCounts: [2, 1, 1] },
    { count: 1, sum: 2, explicitBounds: [1, 5], bucketCounts: [0, 1, 0] },
  ]);
  expect(sink.headers).toMatchObject([{ url: "/v1/metrics" }]);
});

it("sends the log as it is written, each line as part of what was traced then", async () => {
  await using sink = await openSink();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url);
  const telemetry = await openTelemetry({ ...options, signals: { ...ALL, metrics: false } });
  const written: string[] = [];
  const output = new LogOutput({ write: (line) => written.push(line) });
  const log = pino({ base: { app: "test" } }, output);
  log.info("before there is a collector");
  output.also = telemetry.log;
  await telemetry.span("work", { parent: PARENT }, async () => {
    log.child({ stage: "one" }).error({ err: new TypeError("no such thing") }, "failed");
  });
  log.debug("below the level");
  log.warn({ list: [1, { a: 2 }] }, "outside");
  log.warn({ time: "of another form" }, "not as pino writes it");
  await telemetry.close();

  expect(written.map((line) => JSON.parse(line).msg)).toEqual([
    "before there is a collector",
    "failed",
    "outside",
    "not as pino writes it",
  ]);
  const [failed, outside, ...more] = sink.logs();
  expect(more).toEqual([]);
  const [span] = sink.spans();
  expect(failed).toMatchObject({
    severityNumber: 17,
    severityText: "ERROR",
    body: { stringValue: "failed" },
    traceId: span?.traceId,
    spanId: span?.spanId,
  });
  expect(failed.attributes).toContainEqual({ key: "stage", value: { stringValue: "one" } });
  expect(failed.attributes).toContainEqual({ key: "exception.type", value: { stringValue: "TypeError" } });
  expect(failed.attributes).toContainEqual({
    key: "exception.message",
    value: { stringValue: "no such thing" },
  });
  expect(outside).toMatchObject({ severityNumber: 13, body: { stringValue: "outside" } });
  expect(outside.traceId ?? "").toBe("");
});

it("does its work without the collector, says so once, and ends in time", async () => {
  const sink = await openSink();
  await sink[Symbol.asyncDispose]();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url);
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "200");
  const onLost = vi.fn();
  const telemetry = await openTelemetry({ ...options, signals: ALL, onLost });
  // More than one batch.
  for (let n = 0; n < 1500; n++) await telemetry.span("work", {}, async () => n);
  const from = performance.now();
  await telemetry.close();
  expect(performance.now() - from).toBeLessThan(20_000);
  expect(onLost.mock.calls.map(([, signal]) => signal).sort()).toEqual(["metrics", "traces"]);
});
