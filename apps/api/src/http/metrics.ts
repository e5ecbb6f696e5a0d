import type { RequestListener } from "@stagefold/core/dynamodb";
import { type BuildCounters, countBuilds } from "@stagefold/runtime/store-metrics";
import type { RequestHandler } from "express";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { isEventStream } from "../connections.ts";
import type { CallSeen } from "../context.ts";
import type { Watch } from "../watch/index.ts";

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

/** The figures of one API. They belong to it, not to the module: two of them in a process do not mix. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"route" | "method" | "status">;
  readonly #requestSeconds: Histogram<"route">;
  readonly #calls: Histogram<"procedure" | "type" | "outcome">;
  readonly #refusals: Counter<"procedure" | "code">;
  readonly #changes: Counter<"kind">;
  readonly #putAside: Counter;
  readonly #auditLost: Counter;
  readonly #builds: BuildCounters;

  constructor(options: { readonly ofProcess?: boolean } = {}) {
    const registers = [this.registry];
    this.#requests = new Counter({
      name: "stagefold_http_requests_total",
      help: "Requests answered",
      labelNames: ["route", "method", "status"],
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: "stagefold_http_request_duration_seconds",
      help: "Time to the end of the answer, without streams",
      labelNames: ["route"],
      buckets: SECONDS,
      registers,
    });
    this.#calls = new Histogram({
      name: "stagefold_procedure_duration_seconds",
      help: "Time of a procedure; of a subscription, until it begins",
      labelNames: ["procedure", "type", "outcome"],
      buckets: SECONDS,
      registers,
    });
    this.#refusals = new Counter({
      name: "stagefold_refusals_total",
      help: "Procedures that were refused, by the code of the error",
      labelNames: ["procedure", "code"],
      registers,
    });
    this.#changes = new Counter({
      name: "stagefold_project_changes_total",
      help: "Changes of projects that this process wrote",
      labelNames: ["kind"],
      registers,
    });
    this.#putAside = new Counter({
      name: "stagefold_claims_put_aside_total",
      help: "Due projects that could not be claimed and were put aside",
      registers,
    });
    this.#auditLost = new Counter({
      name: "stagefold_audit_rows_lost_total",
      help: "Rows that the audit log could not keep; the API's own log has them",
      registers,
    });
    this.#builds = countBuilds(this.registry);
    if (options.ofProcess === true) collectDefaultMetrics({ register: this.registry });
  }

  /** Counts a request to the project store. */
  get storeRequest(): RequestListener {
    return this.#builds.storeRequest;
  }

  request(seen: {
    route: string;
    method: string;
    status: number | "aborted";
    seconds: number;
    stream: boolean;
  }): void {
    this.#requests.inc({ route: seen.route, method: seen.method, status: seen.status });
    if (!seen.stream) this.#requestSeconds.observe({ route: seen.route }, seen.seconds);
  }

  call({ procedure, type, ok, code, seconds }: CallSeen): void {
    if (code !== undefined) this.#refusals.inc({ procedure, code });
    if (code === "LEASE_LOST") this.#builds.leaseLost.inc();
    this.#calls.observe({ procedure, type, outcome: ok ? "ok" : "error" }, seconds);
  }

  stageRetry(): void {
    this.#builds.retries.inc({ by: "stage" });
  }

  auditLost(): void {
    this.#auditLost.inc();
  }

  putAside(): void {
    this.#putAside.inc();
  }

  change(kind: "changed" | "deleted"): void {
    this.#changes.inc({ kind });
  }

  /** Open streams, counted when a scrape asks. */
  watch(watch: Watch): void {
    new Gauge({
      name: "stagefold_open_watches",
      help: "Open streams of changes",
      labelNames: ["kind"],
      registers: [this.registry],
      collect() {
        this.set({ kind: "project" }, watch.projects.open.watches);
        this.set({ kind: "list" }, watch.list.open);
      },
    });
  }
}

const ROUTES = ["trpc", "v1", "mcp", "artifacts", "healthz", "readyz", "metrics"];

/** Counts every request under a short name of its route, whatever the path was. */
export function countRequests(metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    const first = req.path.split("/", 2)[1] ?? "";
    const route = ROUTES.includes(first) ? first : "page";
    res.once("close", () => {
      const stream = isEventStream(res);
      const seconds = (performance.now() - start) / 1000;
      // An answer that was not sent to its end has no status that its client has seen; a stream ends like this.
      const status = res.writableFinished || stream ? res.statusCode : "aborted";
      metrics.request({ route, method: req.method, status, seconds, stream });
    });
    next();
  };
}
