import { AsyncLocalStorage } from "node:async_hooks";
import type { Span as SdkSpan } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { parseTraceparent } from "@stagefold/core";
import type { Attributes, Span, SpanOptions, Telemetry } from "./telemetry.ts";
import { tellOnce } from "./tell-once.ts";

export type Spans = Pick<Telemetry, "span" | "within" | "outside" | "storeRequest"> & {
  /** What is traced just now. */
  readonly active: () => SdkSpan | undefined;
  shutdown(): Promise<void>;
};

export async function openSpans(
  resource: Resource,
  version: string,
  onLost: (error: unknown) => void,
): Promise<Spans> {
  const [api, sdk, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);
  const KINDS = { server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT, consumer: api.SpanKind.CONSUMER };
  const exporter = new OTLPTraceExporter();
  tellOnce(exporter, onLost);
  const spanProcessors = [new sdk.BatchSpanProcessor({ exporter })];
  const provider = new sdk.TracerProvider({ resource, spanProcessors });
  const tracer = provider.getTracer("stagefold", version);
  const current = new AsyncLocalStorage<LiveSpan | undefined>();

  class LiveSpan implements Span {
    readonly span: SdkSpan;
    readonly traceparent: string;

    constructor(name: string, { kind, attributes, parent }: SpanOptions, startTime?: Date) {
      const around = active()?.span.spanContext() ?? parseTraceparent(parent);
      this.span = tracer.startSpan(
        name,
        {
          kind: kind ? KINDS[kind] : api.SpanKind.INTERNAL,
          attributes: present(attributes ?? {}),
          ...(startTime && { startTime }),
        },
        around ? api.trace.setSpanContext(api.ROOT_CONTEXT, around) : api.ROOT_CONTEXT,
      );
      const { traceId, spanId, traceFlags } = this.span.spanContext();
      this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
    }

    set(attributes: Attributes): void {
      this.span.setAttributes(present(attributes));
    }

    fail(code: string): void {
      this.span.setAttribute("error.type", code);
      this.span.setStatus({ code: api.SpanStatusCode.ERROR });
    }
  }

  const active = (): LiveSpan | undefined => current.getStore();

  return {
    span: async (name, options, work) => {
      const span = new LiveSpan(name, options);
      try {
        return await current.run(span, () => work(span));
      } catch (error) {
        span.fail(codeOf(error));
        throw error;
      } finally {
        span.span.end();
      }
    },
    within: (span, work) => (span instanceof LiveSpan ? current.run(span, work) : work()),
    outside: (work) => current.run(undefined, work),
    storeRequest: ({ operation, transition, project_id, ms, ok, conditionFailed }) => {
      // What was begun in a span may go on after its end, such as the polling for a first watcher.
      if (!active()?.span.isRecording()) return;
      const attributes = {
        "db.operation.name": operation,
        "stagefold.transition": transition,
        "stagefold.project_id": project_id,
        "stagefold.condition_failed": conditionFailed || undefined,
      };
      const now = Date.now();
      const request = new LiveSpan(`store ${operation}`, { kind: "client", attributes }, new Date(now - ms));
      if (!ok && !conditionFailed) request.fail("STORE_UNAVAILABLE");
      request.span.end(new Date(now));
    },
    active: () => active()?.span,
    shutdown: () => provider.shutdown(),
  };
}

function present(attributes: Attributes): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Errors of ours have a code; any other is named as what it is. */
function codeOf(error: unknown): string {
  const code: unknown = Object(error).code;
  return typeof code === "string" ? code : error instanceof Error ? error.name : "Error";
}
