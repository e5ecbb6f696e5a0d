import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { createDynamoClient } from "./client.ts";
import { DynamoProjectStore } from "./store.ts";

/** Resolves with the port of a server that accepts connections and says nothing. */
async function silentServer() {
  const server = createServer((socket) => socket.resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, close: () => server.close() };
}

async function msUntilUnavailable(store: DynamoProjectStore): Promise<number> {
  const from = performance.now();
  await expect(store.get("proj_000000000001")).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    data: { retry_after: 1 },
  });
  return performance.now() - from;
}

describe("a store that does not answer", () => {
  it("is unavailable within seconds when nothing listens", async () => {
    const server = await silentServer();
    server.close();
    const client = createDynamoClient({ endpoint: `http://127.0.0.1:${server.port}` });
    expect(await msUntilUnavailable(new DynamoProjectStore(client, "t"))).toBeLessThan(20_000);
    client.destroy();
  });

  it("is unavailable after its attempts' time when it says nothing", async () => {
    const server = await silentServer();
    const client = createDynamoClient({
      endpoint: `http://127.0.0.1:${server.port}`,
      requestTimeoutMs: 300,
      maxAttempts: 2,
    });
    const ms = await msUntilUnavailable(new DynamoProjectStore(client, "t"));
    expect(ms).toBeGreaterThan(550);
    expect(ms).toBeLessThan(20_000);
    client.destroy();
    server.close();
  });
});
