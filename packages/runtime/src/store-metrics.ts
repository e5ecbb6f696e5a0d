import type { RequestListener } from "@stagefold/core/dynamodb";
import { Counter, type Registry } from "prom-client";

/** What every process counts of builds, under the same names: one query adds up API and workers. */
export interface BuildCounters {
  /** Counts a request to the project store, and what it meant for a build. */
  readonly storeRequest: RequestListener;
  /** Leases that ended against the will of those who held them. */
  readonly leaseLost: Counter;
  /** Another attempt, after one that failed (`stage`), or because a person or program asked for it (`hand`). */
  readonly retries: Counter<"by">;
  /** Due work that the work index had lost and the reconciler found. */
  readonly reconciled: Counter;
}

/**
 * Requests to DynamoDB by how they ended, the capacity units that the store says they used, and what they came to:
 * claims, refused writes, retries by hand. Of a write that a condition refused the store tells no units, though
 * Amazon bills it like one that took effect.
 */
export function countBuilds(registry: Registry): BuildCounters {
  const registers = [registry];
  const request = requestCounter(registry);
  const claims = new Counter({ name: "stagefold_claims_total", help: "Builds claimed", registers });
  const refused = new Counter({
    name: "stagefold_refused_writes_total",
    help: "Writes whose condition did not hold: others were quicker, or the lease was over",
    labelNames: ["transition"],
    registers,
  });
  const retries = new Counter({
    name: "stagefold_retries_total",
    help: "Further attempts: by stage, after one that failed; by hand, of an ended build",
    labelNames: ["by"],
    registers,
  });
  // A series that is not there yet would make rates and sums come out wrong.
  retries.inc({ by: "stage" }, 0);
  retries.inc({ by: "hand" }, 0);
  return {
    storeRequest: (seen) => {
      request(seen);
      const { transition, ok } = seen;
      if (transition === undefined) return;
      if (seen.conditionFailed) refused.inc({ transition });
      else if (ok && transition === "claim") claims.inc();
      else if (ok && transition === "retry") retries.inc({ by: "hand" });
    },
    leaseLost: new Counter({
      name: "stagefold_lease_lost_total",
      help: "Leases that ended against the will of those who held them",
      registers,
    }),
    retries,
    reconciled: new Counter({
      name: "stagefold_reconciled_total",
      help: "Due work that the work index had lost and the reconciler found",
      registers,
    }),
  };
}

function requestCounter(registry: Registry): RequestListener {
  const registers = [registry];
  const requests = new Counter({
    name: "stagefold_store_requests_total",
    help: "Requests to the project store; refused: a condition did not hold",
    labelNames: ["operation", "transition", "outcome"],
    registers,
  });
  const units = new Counter({
    name: "stagefold_store_units_total",
    help: "Capacity units that the project store says were used",
    labelNames: ["kind", "transition"],
    registers,
  });
  return ({ operation, transition = "", ok, conditionFailed, units: used }) => {
    requests.inc({ operation, transition, outcome: ok ? "ok" : conditionFailed ? "refused" : "failed" });
    const kind = transition === "" ? "read" : "write";
    if (used !== undefined) units.inc({ kind, transition }, used);
  };
}
