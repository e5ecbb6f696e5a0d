import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { countBuilds } from "./store-metrics.ts";

test("requests are counted by what they did and how they ended, units by reading and writing", async () => {
  const registry = new Registry();
  const seen = countBuilds(registry).storeRequest;
  seen({ operation: "UpdateItem", transition: "claim", ms: 1, ok: true, conditionFailed: false, units: 7 });
  seen({ operation: "UpdateItem", transition: "claim", ms: 1, ok: false, conditionFailed: true });
  seen({ operation: "UpdateItem", transition: "claim", ms: 1, ok: false, conditionFailed: false });
  seen({ operation: "Query", ms: 1, ok: true, conditionFailed: false, units: 0.5 });
  seen({ operation: "GetItem", ms: 1, ok: true, conditionFailed: false, units: 0.5 });
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

test("what requests meant for builds has names of its own, there from the start", async () => {
  const registry = new Registry();
  const { storeRequest, leaseLost, reconciled } = countBuilds(registry);
  const counts = async () =>
    (await registry.metrics()).split("\n").filter((line) => /^stagefold_(?!store_)/.test(line));
  expect(await counts()).toEqual([
    "stagefold_claims_total 0",
    'stagefold_retries_total{by="stage"} 0',
    'stagefold_retries_total{by="hand"} 0',
    "stagefold_lease_lost_total 0",
    "stagefold_reconciled_total 0",
  ]);
  const update = { operation: "UpdateItem", ms: 1 } as const;
  storeRequest({ ...update, transition: "claim", ok: true, conditionFailed: false });
  storeRequest({ ...update, transition: "retry", ok: true, conditionFailed: false });
  for (const transition of ["claim", "retry", "report"] as const) {
    storeRequest({ ...update, transition, ok: false, conditionFailed: true });
    // Nobody knows what became of it: it is neither.
    storeRequest({ ...update, transition, ok: false, conditionFailed: false });
  }
  leaseLost.inc();
  reconciled.inc();
  expect(await counts()).toEqual([
    "stagefold_claims_total 1",
    'stagefold_refused_writes_total{transition="claim"} 1',
    'stagefold_refused_writes_total{transition="retry"} 1',
    'stagefold_refused_writes_total{transition="report"} 1',
    'stagefold_retries_total{by="stage"} 0',
    'stagefold_retries_total{by="hand"} 1',
    "stagefold_lease_lost_total 1",
    "stagefold_reconciled_total 1",
  ]);
});
