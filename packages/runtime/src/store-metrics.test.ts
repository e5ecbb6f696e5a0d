import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { countStoreRequests } from "./store-metrics.ts";

test("requests are counted by what they did and how they ended, units by reading and writing", async () => {
  const registry = new Registry();
  const seen = countStoreRequests(registry);
  seen({ operation: "UpdateItem", transition: "claim", ms: 1, ok: true, refused: false, units: 7 });
  seen({ operation: "UpdateItem", transition: "claim", ms: 1, ok: false, refused: true });
  seen({ operation: "UpdateItem", transition: "claim", ms: 1, ok: false, refused: false });
  seen({ operation: "Query", ms: 1, ok: true, refused: false, units: 0.5 });
  seen({ operation: "GetItem", ms: 1, ok: true, refused: false, units: 0.5 });
  const text = await registry.metrics();
  for (const [outcome, count] of [
    ["ok", 1],
    ["refused", 1],
    ["failed", 1],
  ])
    expect(text).toContain(
      `stagefold_store_requests_total{operation="UpdateItem",transition="claim",outcome="${outcome}"} ${count}`,
    );
  expect(text).toContain('stagefold_store_units_total{kind="write",transition="claim"} 7');
  expect(text).toContain('stagefold_store_units_total{kind="read",transition=""} 1');
});
