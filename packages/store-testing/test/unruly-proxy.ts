import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { Random } from "../src/simulation/random.ts";

/** How often each happens, from 0 to 1. */
const RATES = { cutPage: 0.4, partialBatch: 0.5, throttled: 0.02 };

interface Body {
  Limit?: number;
  RequestItems?: Record<string, { Keys: object[] }>;
}

/**
 * Stands before an engine and behaves as Amazon's DynamoDB may: it cuts the pages of queries, leaves keys of a batch
 * unprocessed and throttles, by seed.
 */
export async function startUnrulyProxy(endpoint: string, seed: number) {
  const random = new Random(seed);
  const counts = { cutPage: 0, partialBatch: 0, throttled: 0 };
  const happens = (what: keyof typeof RATES) => {
    if (!random.chance(RATES[what])) return false;
    counts[what] += 1;
    return true;
  };
  const server = createServer(async (req: IncomingMessage, res: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part);
    const operation = String(req.headers["x-amz-target"]).split(".")[1];
    const body: Body = JSON.parse(Buffer.concat(parts).toString("utf8"));
    // The SDK does not say why it tried again: a second attempt that deletes nothing is taken for a lost reply of the first.
    if (operation !== "DeleteItem" && happens("throttled")) {
      const type = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
      answer(res, 400, { __type: type, message: "Too much at once." });
      return;
    }
    if (operation === "Query" && happens("cutPage"))
      body.Limit = Math.min(body.Limit ?? 5, random.between(1, 5));
    const left: Record<string, { Keys: object[] }> = {};
    if (operation === "BatchGetItem" && happens("partialBatch"))
      for (const [table, asked] of Object.entries(body.RequestItems ?? {})) {
        if (asked.Keys.length < 2) continue;
        const rest = asked.Keys.splice(random.between(1, asked.Keys.length - 1));
        left[table] = { ...asked, Keys: rest };
      }
    const { status, value } = await forward(endpoint, req, body);
    answer(res, status, Object.keys(left).length > 0 ? { ...value, UnprocessedKeys: left } : value);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy listens on no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    counts,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answer(res: ServerResponse, status: number, value: object): void {
  res.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(value));
}

async function forward(endpoint: string, { headers }: IncomingMessage, body: Body) {
  const text = JSON.stringify(body);
  const out = request(endpoint, {
    method: "POST",
    headers: { ...headers, host: new URL(endpoint).host, "content-length": Buffer.byteLength(text) },
  });
  out.end(text);
  const [response]: IncomingMessage[] = await once(out, "response");
  const parts: Buffer[] = [];
  for await (const part of response ?? []) parts.push(part);
  const value: object = JSON.parse(Buffer.concat(parts).toString("utf8"));
  return { status: response?.statusCode ?? 502, value };
}
