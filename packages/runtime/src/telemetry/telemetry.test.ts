import { AsyncResource } from "node:async_hooks";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { StagefoldError } from "@stagefold/core";
import { afterEach, expect, it, vi } from "vitest";
import { NO_TELEMETRY, openTelemetry } from "./index.ts";

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
  return {
    url: `http://127.0.0.1:${address.port}`,
    headers,
    resources: () => bodies.flatMap((body) => JSON.parse(body).resourceSpans),
    spans: (): SentSpan[] =>
      bodies
        .flatMap((body) => JSON.parse(body).resourceSpans)
        .flatMap((one) => one.scopeSpans)
        .flatMap((one) => one.spans),
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
const options = { service: "stagefold-test", version: "1.2.3", onLost: () => undefined };

afterEach(() => {
  vi.unstubAllEnvs();
});

it("loads nothing and hands the caller's trace on where there is no collector", async () => {
  const telemetry = await openTelemetry({ ...options, isWanted: false });
  expect(telemetry).toBe(NO_TELEMETRY);
  expect(await telemetry.span("a", { parent: PARENT }, async (span) => span.traceparent)).toBe(PARENT);
  expect(loaded()).toEqual([]);
});

it("sends spans with their parents, their failures and the requests made within them", async () => {
  await using sink = await openSink();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url);
  vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret");
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
  const telemetry = await openTelemetry({ ...options, isWanted: true });
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

it("does its work without the collector, says so once, and ends in time", async () => {
  const sink = await openSink();
  await sink[Symbol.asyncDispose]();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url);
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "200");
  const onLost = vi.fn();
  const telemetry = await openTelemetry({ ...options, onLost, isWanted: true });
  // More than one batch.
  for (let n = 0; n < 1500; n++) await telemetry.span("work", {}, async () => n);
  const from = performance.now();
  await telemetry.close();
  expect(performance.now() - from).toBeLessThan(4000);
  expect(onLost).toHaveBeenCalledTimes(1);
});
