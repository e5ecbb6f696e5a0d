import { DescribeTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { DynamoRecordStore, ensureRecordsTable } from "@stagefold/core/dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentRecordsSuite } from "../src/agent-records.suite.ts";
import { recordStoreSuite } from "../src/record-store.suite.ts";
import { ENGINES, startStore } from "./store.ts";

describe.each(ENGINES)("on %s", (engine) => {
  let running: Awaited<ReturnType<typeof startStore>> | undefined;
  let store: DynamoRecordStore | undefined;
  const here = () => {
    if (!running || !store) throw new Error("the engine has not started");
    return { running, store };
  };
  beforeAll(async () => {
    running = await startStore(engine);
    await ensureRecordsTable(running.client, "StagefoldRecords");
    store = new DynamoRecordStore(running.client, "StagefoldRecords");
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
  });

  recordStoreSuite(engine, () => here().store);
  agentRecordsSuite(engine, () => here().store);

  it("the table is made once, and what expires is removed where the engine can", async () => {
    const { client } = here().running;
    const again = await ensureRecordsTable(client, "StagefoldRecords");
    expect(again).toEqual({ created: false, added: [] });
    if (engine === "dynalite") return;
    const input = { TableName: "StagefoldRecords" };
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand(input));
    expect(TimeToLiveDescription).toMatchObject({ AttributeName: "expires_at", TimeToLiveStatus: "ENABLED" });
  });
});
