import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createDynamoClient } from "./client.ts";
import type { RequestEnd, RequestInfo } from "./requests.ts";
import { DynamoProjectStore } from "./store.ts";
import { StoreClock } from "./store-clock.ts";

const HOUR = 3_600_000;

/** Answers every request in the same way, by a clock that is an hour ahead. */
async function storeThatAnswers(status: number, body: object) {
  const server = createServer((request, response) => {
    request.resume();
    const headers = {
      "content-type": "application/x-amz-json-1.0",
      date: new Date(Date.now() + HOUR).toUTCString(),
    };
    response.writeHead(status, headers).end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clock = new StoreClock();
  const client = createDynamoClient({ endpoint: `http://127.0.0.1:${port}`, clock });
  onTestFinished(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  const ended: (RequestInfo & RequestEnd)[] = [];
  return { clock, ended, store: new DynamoProjectStore(client, "T", (end) => ended.push(end)) };
}

const patch = {
  kind: "update",
  transition: "claim",
  project_id: "proj_0123456789ab",
  guards: [],
  edits: [{ op: "set", path: ["a"], value: 1 }],
} as const;

test("the store's time is heard with an answer, and what the answer cost is told", async () => {
  const answer = { Attributes: { a: { N: "1" } }, ConsumedCapacity: { CapacityUnits: 7 } };
  const { clock, ended, store } = await storeThatAnswers(200, answer);
  expect(clock.skewMs).toBe(0);
  await store.write(patch);
  expect(Math.abs(clock.now() - (Date.now() + HOUR))).toBeLessThan(60_000);
  expect(ended).toMatchObject([{ transition: "claim", ok: true, conditionFailed: false, units: 7 }]);
});

test("and with a refusal", async () => {
  const { clock, ended, store } = await storeThatAnswers(400, {
    __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
    message: "The conditional request failed",
    Item: { project_id: { S: "proj_0123456789ab" } },
  });
  expect(await store.write(patch)).toMatchObject({ ok: false });
  expect(Math.abs(clock.skewMs - HOUR)).toBeLessThan(60_000);
  expect(ended).toMatchObject([{ transition: "claim", ok: false, conditionFailed: true }]);
});
