import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createDynamoClient, transportOf } from "./client.ts";
import { DirectTransport } from "./direct-transport.ts";

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

/** A server that answers the n-th request as it is told, and a transport to it. */
async function answering(...answers: ((response: ServerResponse) => void)[]) {
  const requests: { target: string; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    requests.push({
      target: String(request.headers["x-amz-target"]),
      body: JSON.parse(Buffer.concat(parts).toString("utf8")),
    });
    (answers[requests.length - 1] ?? answers.at(-1))?.(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const client = createDynamoClient({ endpoint: `http://127.0.0.1:${address.port}`, maxAttempts: 3 });
  cleanup.push(() => client.destroy());
  return { transport: transportOf(client), requests };
}

const json = (status: number, body: object) => (response: ServerResponse) => {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
};
const cut = (response: ServerResponse) => response.socket?.destroy();
const get = { operation: "GetItem", input: { TableName: "t", Key: { project_id: "p" } } } as const;

describe("requests to a given endpoint", () => {
  it("go there directly, and those to Amazon through the SDK", async () => {
    const { transport, requests } = await answering(json(200, { Item: { n: { N: "1" } } }));
    expect(transport).toBeInstanceOf(DirectTransport);
    expect(await transport.send(get)).toEqual({ Item: { n: 1 }, $metadata: { attempts: 1 } });
    expect(requests).toEqual([
      {
        target: "DynamoDB_20120810.GetItem",
        body: { TableName: "t", Key: { project_id: { S: "p" } } },
      },
    ]);
    const amazon = createDynamoClient({ region: "us-east-1" });
    cleanup.push(() => amazon.destroy());
    expect(transportOf(amazon)).not.toBeInstanceOf(DirectTransport);
  });

  it("are sent again after a cut connection, a fault of the store and a full queue", async () => {
    const full = { __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException" };
    for (const trouble of [cut, json(500, { __type: "InternalServerError" }), json(400, full)]) {
      const { transport, requests } = await answering(trouble, json(200, {}));
      expect(await transport.send(get)).toEqual({ $metadata: { attempts: 2 } });
      expect(requests).toHaveLength(2);
    }
  });

  it("are given up after their attempts, with what went wrong last", async () => {
    const { transport, requests } = await answering(
      json(503, { __type: "x#ServiceUnavailable", message: "No." }),
    );
    await expect(transport.send(get)).rejects.toMatchObject({
      name: "ServiceUnavailable",
      message: "No.",
      $metadata: { httpStatusCode: 503, attempts: 3 },
    });
    expect(requests).toHaveLength(3);
  });

  it("are not repeated when the store calls them wrong, or a condition does not hold", async () => {
    const wrong = await answering(json(400, { __type: "x#ValidationException", Message: "Bad." }));
    await expect(wrong.transport.send(get)).rejects.toMatchObject({
      name: "ValidationException",
      message: "Bad.",
      $metadata: { httpStatusCode: 400, attempts: 1 },
    });
    const Item = { revision: { N: "4" } };
    const type = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    const refused = await answering(cut, json(400, { __type: type, message: "No.", Item }));
    await expect(refused.transport.send(get)).rejects.toMatchObject({
      name: "ConditionalCheckFailedException",
      Item,
      $metadata: { attempts: 2 },
    });
    expect([wrong.requests.length, refused.requests.length]).toEqual([1, 2]);
  });

  it("take an answer that is no JSON for one that was lost", async () => {
    const { transport, requests } = await answering((response) => response.end("<html>"), json(200, {}));
    expect(await transport.send(get)).toMatchObject({ $metadata: { attempts: 2 } });
    expect(requests).toHaveLength(2);
  });
});
