import { type BuildCounters, countBuilds } from "@stagefold/runtime/store-metrics";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** The figures of one worker, in a registry of its own. */
export interface WorkerMetrics extends BuildCounters {
  readonly registry: Registry;
  /** Claims of builds whose holder was lost. */
  readonly takeovers: Counter<"why">;
  readonly leasesOver: Counter<"reason">;
  readonly stages: Histogram<"pipeline" | "stage" | "outcome">;
  readonly running: Gauge;
}

export function createMetrics(): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    ...countBuilds(registry),
    registry,
    takeovers: new Counter({
      name: "stagefold_worker_takeovers_total",
      help: "Claims of builds whose holder was lost, by how that was known",
      labelNames: ["why"],
      registers,
    }),
    leasesOver: new Counter({
      name: "stagefold_worker_leases_over_total",
      help: "Leases that ended before their build did, by reason",
      labelNames: ["reason"],
      registers,
    }),
    stages: new Histogram({
      name: "stagefold_worker_stage_seconds",
      help: "Time that attempts of stages took, in seconds",
      labelNames: ["pipeline", "stage", "outcome"],
      buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400],
      registers,
    }),
    running: new Gauge({ name: "stagefold_worker_builds_running", help: "Builds held now", registers }),
  };
}
