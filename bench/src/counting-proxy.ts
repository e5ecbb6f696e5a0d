import {
  Agent,
  createServer,
  request as forward,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { Item } from "@stagefold/core";
import { type IndexCost, writeUnits } from "./write-units.ts";

/** One request as it went over the wire. */
export interface Counted {
  readonly operation: string;
  /** Of the project that it writes or reads. */
  readonly project_id: string | undefined;
  /** The partition that it writes or reads in the table of records, such as `session#sess_…`. */
  readonly record: string | undefined;
  /** Only for writes that took effect. */
  readonly units: number;
  /** Whether a reader can see the write: heartbeats leave the revision alone. */
  readonly visible: boolean;
  readonly refused: boolean;
}

export interface CountingProxy extends AsyncDisposable {
  readonly endpoint: string;
  readonly requests: readonly Counted[];
}

/**
 * Stands between everything and the engine, and counts what passes. Each write is made to show the item that it
 * leaves, which its sender only sees if it asked.
 */
export async function startCountingProxy(
  target: string,
  indexes?: readonly IndexCost[],
): Promise<CountingProxy> {
  const requests: Counted[] = [];
  const items = new Map<string, Item>();
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing, target)
      .then(({ operation, sent, answer, status }) =>
        requests.push(count(items, { operation, sent, answer, status }, indexes)),
      )
      .catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : new Error(String(error))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const agent = new Agent({ keepAlive: true });

interface Passed {
  readonly operation: string;
  readonly sent: Item;
  readonly answer: Item;
  readonly status: number;
}

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, target: string): Promise<Passed> {
  const operation = String(incoming.headers["x-amz-target"]).split(".").at(-1) ?? "";
  const sent = json(await read(incoming));
  const showing = operation === "UpdateItem" ? { ...sent, ReturnValues: "ALL_NEW" } : sent;
  const body = Buffer.from(JSON.stringify(showing));
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const { host: _host, ...headers } = incoming.headers;
    const changed = { ...headers, "content-length": body.length };
    forward(target, { method: incoming.method, headers: changed, agent }, resolve)
      .on("error", reject)
      .end(body);
  });
  const shown = json(await read(answer));
  const { Attributes: _shown, ...rest } = shown;
  const hidden = operation === "UpdateItem" && sent.ReturnValues !== "ALL_NEW";
  const text = Buffer.from(JSON.stringify(hidden ? rest : shown));
  const { "transfer-encoding": _te, "x-amz-crc32": _crc, ...headers } = answer.headers;
  outgoing.writeHead(answer.statusCode ?? 502, { ...headers, "content-length": text.length }).end(text);
  return { operation, sent, answer: shown, status: answer.statusCode ?? 502 };
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function json(body: Buffer): Item {
  return body.length === 0 ? {} : JSON.parse(body.toString());
}

function count(
  items: Map<string, Item>,
  { operation, sent, answer, status }: Passed,
  indexes: readonly IndexCost[] | undefined,
): Counted {
  const refused = status !== 200;
  const after = operation === "PutItem" ? itemIn(sent.Item) : itemIn(answer.Attributes);
  const key = after ?? itemIn(sent.Key) ?? {};
  const id = String(key.project_id ?? "");
  const record = key.pk === undefined ? undefined : String(key.pk);
  const writes = operation === "PutItem" || operation === "UpdateItem";
  if (refused || !writes || !after)
    return {
      operation,
      project_id: id || undefined,
      record,
      units: 0,
      visible: false,
      refused: refused && id !== "",
    };
  const name = record === undefined ? id : `${record} ${String(key.sk)}`;
  const before = items.get(name);
  items.set(name, after);
  return {
    operation,
    project_id: id || undefined,
    record,
    units: writeUnits(before, after, indexes),
    visible: id !== "" && before?.revision !== after.revision,
    refused,
  };
}

function itemIn(marshalled: unknown): Item | undefined {
  return typeof marshalled === "object" && marshalled !== null
    ? unmarshall(Object.fromEntries(Object.entries(marshalled)))
    : undefined;
}
