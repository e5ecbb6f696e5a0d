import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** The figures of one worker, in a registry of its own. */
export interface WorkerMetrics {
  readonly registry: Registry;
  readonly claims: Counter;
  readonly refusedClaims: Counter;
  /** Claims of builds whose holder was lost. */
  readonly takeovers: Counter<"why">;
  /** Claims of due work that the work index had lost. */
  readonly rescues: Counter;
  readonly leasesOver: Counter<"reason">;
  readonly retries: Counter<"pipeline" | "stage">;
  readonly refusedWrites: Counter;
  readonly stages: Histogram<"pipeline" | "stage" | "outcome">;
  readonly running: Gauge;
}

export function createMetrics(): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    claims: new Counter({ name: "stagefold_worker_claims_total", help: "Builds claimed", registers }),
    refusedClaims: new Counter({
      name: "stagefold_worker_refused_claims_total",
      help: "Claims refused: another worker was quicker, or the row of the work index was out of date",
      registers,
    }),
    takeovers: new Counter({
      name: "stagefold_worker_takeovers_total",
      help: "Claims of builds whose holder was lost, by how that was known",
      labelNames: ["why"],
      registers,
    }),
    rescues: new Counter({
      name: "stagefold_worker_rescues_total",
      help: "Due work that the work index had lost and the sweep found",
      registers,
    }),
    leasesOver: new Counter({
      name: "stagefold_worker_leases_over_total",
      help: "Leases that ended before their build did, by reason",
      labelNames: ["reason"],
      registers,
    }),
    retries: new Counter({
      name: "stagefold_worker_retries_total",
      help: "Failed attempts that another one follows",
      labelNames: ["pipeline", "stage"],
      registers,
    }),
    refusedWrites: new Counter({
      name: "stagefold_worker_refused_writes_total",
      help: "Writes that the project refused",
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
