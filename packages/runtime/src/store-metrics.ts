import type { RequestListener } from "@stagefold/core/dynamodb";
import { Counter, type Registry } from "prom-client";

/**
 * Counts the requests to DynamoDB in a registry, under the same names in every process: requests by how they ended,
 * and the capacity units that the store says they used. Of a write that a condition refused it says nothing, though
 * Amazon bills it like one that took effect.
 */
export function countStoreRequests(registry: Registry): RequestListener {
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
  return ({ operation, transition = "", ok, refused, units: used }) => {
    requests.inc({ operation, transition, outcome: ok ? "ok" : refused ? "refused" : "failed" });
    const kind = transition === "" ? "read" : "write";
    if (used !== undefined) units.inc({ kind, transition }, used);
  };
}
