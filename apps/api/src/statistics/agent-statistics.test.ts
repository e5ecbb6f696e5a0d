import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { AgentRecords, MemoryRecordStore, type TurnRow } from "@stagefold/core";
import { afterEach, expect, it, vi } from "vitest";
import { memoryDeps } from "../../test/fixture.ts";
import { AgentStatistics } from "./agent-statistics.ts";

afterEach(() => {
  vi.useRealTimers();
});

it("rows are let go once they are no longer fresh, also where none asks again", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { clock, artifacts } = memoryDeps();
  const records = new AgentRecords({ records: new MemoryRecordStore(), artifacts, clock });
  let reads = 0;
  let read: WeakRef<TurnRow> | undefined;
  records.lists.ended = async function* () {
    reads += 1;
    const row = { started_at: "2025-06-01T00:00:00.000Z", status: "completed" } as TurnRow;
    read = new WeakRef(row);
    yield row;
  };
  const statistics = new AgentStatistics(records);
  await Promise.all([statistics.agents(1), statistics.agents(1)]);
  await statistics.agents(1);
  expect(reads).toBe(1);
  vi.advanceTimersByTime(5000);
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(read?.deref()).toBeUndefined();
});
