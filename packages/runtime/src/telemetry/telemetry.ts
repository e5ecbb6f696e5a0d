import type { RequestListener } from "@stagefold/core/dynamodb";
import type { Registry } from "prom-client";
import type { Signals } from "../otel-env.ts";

/** Figures and names of a span; what is undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  /** `server`: it answers a request; `client`: it waits for another server; `consumer`: it does queued work. */
  readonly kind?: "server" | "client" | "consumer";
  readonly attributes?: Attributes;
  /** The trace context that it continues where it is not part of another span of this process. */
  readonly parent?: string | undefined;
}

/** Work that is traced. */
export interface Span {
  /** What a request made within it says of its trace (W3C Trace Context); undefined where there is none. */
  readonly traceparent: string | undefined;
  set(attributes: Attributes): void;
  /** It failed, for a reason with this code. */
  fail(code: string): void;
}

export type Signal = "traces" | "metrics" | "logs";

/** Traces what a process does, and sends its figures and its log where they are asked for. */
export interface Telemetry {
  /** Runs work as a span: part of the span that it is called in, else of `parent`, else a trace of its own. */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>;
  /** Runs work as part of a span, wherever it was called. */
  within<T>(span: Span, work: () => T): T;
  /** Runs work as part of none: what it begins may last longer than the span that is there. */
  outside<T>(work: () => T): T;
  /** A request to a store, as a span of the work that made it; one that belongs to no work is left out. */
  readonly storeRequest: RequestListener;
  /** Takes a line of the program's log, where logs are sent. */
  readonly log?: ((line: string) => void) | undefined;
  /** Sends what is not sent yet, for a few seconds at most. Never rejects. */
  close(): Promise<void>;
}

/** Traces nothing, and hands on what others trace. */
export const NO_TELEMETRY: Telemetry = {
  span: (_name, { parent }, work) =>
    work({ traceparent: parent, set: () => undefined, fail: () => undefined }),
  within: (_span, work) => work(),
  outside: (work) => work(),
  storeRequest: () => undefined,
  close: async () => undefined,
};

export interface TelemetryOptions {
  readonly signals: Signals;
  /** Such as `stagefold-api`; OTEL_SERVICE_NAME goes before it. */
  readonly service: string;
  readonly version: string;
  /** The figures of the process. */
  readonly registry: Registry;
  /** Told once when the collector cannot be reached, and again after it could be. */
  readonly onLost: (error: unknown, signal: Signal) => void;
}

/** OpenTelemetry's SDK is loaded only where there is a collector: it takes half a second. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { traces, metrics, logs } = options.signals;
  if (!traces && !metrics && !logs) return NO_TELEMETRY;
  return await (await import("./open-telemetry.ts")).openSignals(options);
}
