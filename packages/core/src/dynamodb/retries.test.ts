import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDynamoClient } from "./client.ts";
import type { RequestEnd, RequestInfo } from "./requests.ts";
import { DynamoProjectStore } from "./store.ts";

type Answer = (response: ServerResponse, body: { RequestItems?: Record<string, { Keys: object[] }> }) => void;

/** A server that answers the n-th request with the n-th answer, the last one from then on, and a store on it. */
async function answering(...answers: Answer[]) {
  const requests: { target: string; body: object; at: number }[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = JSON.parse(Buffer.concat(parts).toString("utf8"));
    requests.push({ target: String(request.headers["x-amz-target"]), body, at: performance.now() });
    (answers[requests.length - 1] ?? answers.at(-1))?.(response, body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const client = createDynamoClient({ endpoint: `http://127.0.0.1:${address.port}`, maxAttempts: 3 });
  onTestFinished(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  const ended: (RequestInfo & RequestEnd)[] = [];
  return { store: new DynamoProjectStore(client, "T", (end) => ended.push(end)), requests, ended };
}

const json =
  (status: number, body: object): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
  };
const cut: Answer = (response) => response.socket?.destroy();
const id = "proj_000000000001";
const TYPE = "com.amazonaws.dynamodb.v20120810#";

describe("a request", () => {
  it("is sent again after a cut connection, a fault of the store and a full table", async () => {
    const full = { __type: `${TYPE}ProvisionedThroughputExceededException` };
    for (const trouble of [cut, json(500, { __type: "InternalServerError" }), json(400, full)]) {
      const { store, requests, ended } = await answering(trouble, json(200, { Item: { n: { N: "1" } } }));
      expect(await store.get(id)).toEqual({ n: 1 });
      expect(requests.map(({ target }) => target)).toEqual(Array(2).fill("DynamoDB_20120810.GetItem"));
      expect(ended).toHaveLength(1);
    }
  });

  it("is given up after its attempts, with what went wrong last", async () => {
    const { store, requests } = await answering(
      json(503, { __type: "x#ServiceUnavailable", message: "No." }),
    );
    await expect(store.get(id)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("No."),
    });
    expect(requests).toHaveLength(3);
  });

  it("is not repeated when the store calls it wrong, or a condition does not hold", async () => {
    const wrong = await answering(json(400, { __type: `${TYPE}ValidationException`, message: "Bad." }));
    await expect(wrong.store.get(id)).rejects.toMatchObject({ code: "INTERNAL" });
    const type = `${TYPE}ConditionalCheckFailedException`;
    const item = { project_id: { S: id }, revision: { N: "4" } };
    const failed = await answering(cut, json(400, { __type: type, message: "No.", Item: item }));
    const patch = { transition: "pause", project_id: id, guards: [], kind: "update" } as const;
    const edits = [{ op: "set", path: ["status"], value: "paused" }] as const;
    const written = await failed.store.write({ ...patch, edits });
    expect(written).toEqual({ ok: false, item: { project_id: id, revision: 4 } });
    expect([wrong.requests.length, failed.requests.length]).toEqual([1, 2]);
  });

  it("whose answer is no DynamoDB's finds the store unavailable", async () => {
    const { store } = await answering((response) => response.end("<html>"));
    await expect(store.get(id)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("that deletes has deleted, when the item is gone at its second attempt", async () => {
    const { store } = await answering(cut, json(200, {}));
    const patch = { transition: "delete", project_id: id, guards: [], kind: "delete" } as const;
    expect(await store.write(patch)).toEqual({ ok: true, item: undefined });
  });

  it("that deletes under a guard has deleted, too, when there is no item at its second attempt", async () => {
    const failed = json(400, { __type: `${TYPE}ConditionalCheckFailedException`, message: "No." });
    const guards = [{ path: ["user_id"], is: "equals", value: "u" }] as const;
    const patch = { transition: "delete", project_id: id, guards, kind: "delete" } as const;
    const repeated = await answering(cut, failed, json(200, {}));
    expect(await repeated.store.write(patch)).toEqual({ ok: true, item: undefined });
    const first = await answering(failed, json(200, {}));
    expect(await first.store.write(patch)).toEqual({ ok: false, item: undefined });
    const others = json(200, { Item: { user_id: { S: "v" } } });
    const refused = await answering(cut, failed, others);
    expect(await refused.store.write(patch)).toEqual({ ok: false, item: { user_id: "v" } });
  });
});

describe("S3: a batch that is left undone", () => {
  /** Answers with the first so many items and leaves the rest. */
  const partly =
    (count: number): Answer =>
    (response, { RequestItems }) => {
      const keys = RequestItems?.T?.Keys ?? [];
      const left = keys.slice(count);
      const body = {
        Responses: { T: keys.slice(0, count) },
        UnprocessedKeys: left.length > 0 ? { T: { Keys: left } } : {},
      };
      json(200, body)(response, {});
    };

  it("is asked for again, what is left of it, until all is there", async () => {
    const { store, requests } = await answering(partly(2), partly(0), partly(2), partly(9));
    const ids = Array.from({ length: 5 }, (_, n) => `proj_00000000000${n}`);
    const found = await store.getMany(ids);
    expect(found.map(({ project_id }) => project_id)).toEqual(ids);
    expect(requests).toHaveLength(4);
  });

  it("has waits that double, and an end", async () => {
    const { store, requests } = await answering(partly(0));
    const from = performance.now();
    await expect(store.getMany([id])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(requests.length).toBeLessThanOrEqual(8);
    const waits = requests.map(({ at }, n) => at - (requests[n - 1]?.at ?? from)).slice(1);
    // Each between half of its length and all of it: two waits on, it is longer for certain.
    for (let n = 2; n < waits.length; n++) expect(waits[n]).toBeGreaterThan(waits[n - 2] ?? 0);
  });
});
