import { type BuildCounters, countBuilds } from "@stagefold/runtime/store-metrics";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** The figures of one worker, in a registry of its own. */
export interface WorkerMetrics extends BuildCounters {
  readonly registry: Registry;
  /** Claims of builds whose lease owner was lost. */
  readonly takeovers: Counter<"why">;
  readonly leasesOver: Counter<"reason">;
  /** Times that a due build was put aside. */
  readonly unclaimable: Counter<"reason">;
  readonly unserved: Gauge<"pipeline">;
  readonly notRun: Counter;
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
      help: "Claims of builds whose lease owner was lost, by how that was known",
      labelNames: ["why"],
      registers,
    }),
    leasesOver: new Counter({
      name: "stagefold_worker_leases_over_total",
      help: "Leases that ended before their build did, by reason",
      labelNames: ["reason"],
      registers,
    }),
    unclaimable: new Counter({
      name: "stagefold_worker_unclaimable_total",
      help: "Times that a build that was due could not be claimed or begun, and was put aside with back-off",
      labelNames: ["reason"],
      registers,
    }),
    unserved: new Gauge({
      name: "stagefold_worker_unserved_builds",
      help: "Due builds that the last scan saw and whose pipeline this worker does not have",
      labelNames: ["pipeline"],
      registers,
    }),
    notRun: new Counter({
      name: "stagefold_worker_not_run_total",
      help: "Attempts that this worker could not run, for reasons of its own: their builds were given back",
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
