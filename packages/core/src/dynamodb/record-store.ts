import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import type { Item, RecordKey, RecordPatch } from "../patch/index.ts";
import type { Written } from "../ports/project-store.ts";
import type { RecordPage, RecordQuery, RecordStore } from "../ports/record-store.ts";
import { toDeleteItem, toPutItem, toUpdateItem } from "./expression.ts";
import { cursorKeySchema } from "./limits.ts";
import { failedCondition, type RequestListener, Requests } from "./requests.ts";

/** The record store on DynamoDB: one request each. */
export class DynamoRecordStore implements RecordStore {
  readonly #table: string;
  readonly #requests: Requests;

  constructor(client: DynamoDBClient, table: string, listener?: RequestListener) {
    this.#table = table;
    this.#requests = new Requests(client, listener);
  }

  async write(patch: RecordPatch): Promise<Written> {
    try {
      return await this.#send(patch);
    } catch (error) {
      const failed = failedCondition(error);
      if (!failed) throw error;
      // Not every engine sends the item along with its refusal.
      return { ok: false, item: failed.item ?? (await this.get(patch)) };
    }
  }

  async #send(patch: RecordPatch): Promise<Written> {
    switch (patch.kind) {
      case "put": {
        const input = toPutItem(patch, this.#table);
        await this.#requests.run({ operation: "PutItem" }, input, (client, full) =>
          client.send(new PutCommand(full)),
        );
        return { ok: true, item: patch.item };
      }
      case "update": {
        const input = toUpdateItem(patch, this.#table);
        const { Attributes } = await this.#requests.run({ operation: "UpdateItem" }, input, (client, full) =>
          client.send(new UpdateCommand(full)),
        );
        return { ok: true, item: Attributes };
      }
      case "delete": {
        const input = toDeleteItem(patch, this.#table);
        const { Attributes, $metadata } = await this.#requests.run(
          { operation: "DeleteItem" },
          input,
          (client, full) => client.send(new DeleteCommand(full)),
        );
        // Gone at the second attempt: the first one's reply was lost.
        return { ok: Attributes !== undefined || ($metadata.attempts ?? 1) > 1, item: Attributes };
      }
      default:
        return patch satisfies never;
    }
  }

  async get(
    { pk, sk }: RecordKey,
    options: { readonly consistent?: boolean } = {},
  ): Promise<Item | undefined> {
    const input = { TableName: this.#table, Key: { pk, sk }, ConsistentRead: options.consistent ?? true };
    const { Item: item } = await this.#requests.run({ operation: "GetItem" }, input, (client, full) =>
      client.send(new GetCommand(full)),
    );
    return item;
  }

  async query(query: RecordQuery): Promise<RecordPage> {
    const { from = "", to } = query;
    // DynamoDB refuses a range that ends before it begins.
    if (to !== undefined && to < from) return { items: [], next: undefined };
    const { Items = [], LastEvaluatedKey } = await this.#requests.run(
      { operation: "Query" },
      recordQuery(this.#table, query),
      (client, full) => client.send(new QueryCommand(full)),
    );
    const items = Items.slice(0, query.limit);
    const last = items.length < Items.length ? items.at(-1) : LastEvaluatedKey;
    return { items, next: last && encodeCursor(query, last) };
  }
}

/** One more than is asked for, so that a page knows whether it is the last. Pure. */
export function recordQuery(table: string, query: RecordQuery): QueryCommandInput {
  const { index, pk, from, to, newestFirst, limit, cursor } = query;
  const { hash, range } = keysOf(query);
  const conditions = ["#hash = :hash"];
  if (from !== undefined && to !== undefined) conditions.push("#range BETWEEN :from AND :to");
  else if (from !== undefined) conditions.push("#range >= :from");
  else if (to !== undefined) conditions.push("#range <= :to");
  return {
    TableName: table,
    ...(index === undefined ? { ConsistentRead: query.consistent ?? true } : { IndexName: index }),
    KeyConditionExpression: conditions.join(" AND "),
    ExpressionAttributeNames: { "#hash": hash, ...(conditions.length > 1 && { "#range": range }) },
    ExpressionAttributeValues: {
      ":hash": pk,
      ...(from !== undefined && { ":from": from }),
      ...(to !== undefined && { ":to": to }),
    },
    ScanIndexForward: newestFirst !== true,
    Limit: limit + 1,
    ...(cursor !== undefined && { ExclusiveStartKey: decodeCursor(query, cursor) }),
  };
}

function keysOf({ index }: RecordQuery) {
  return index === undefined ? { hash: "pk", range: "sk" } : { hash: `${index}_pk`, range: `${index}_sk` };
}

const cursorSchema = z.tuple([
  cursorKeySchema("sortKey"),
  cursorKeySchema("partitionKey"),
  cursorKeySchema("sortKey"),
]);

/** The sort key and the item's own key: the partition is that of the query. */
function encodeCursor(query: RecordQuery, row: Item): string {
  return JSON.stringify([row[keysOf(query).range], row.pk, row.sk]);
}

function decodeCursor(query: RecordQuery, text: string): Record<string, string> {
  const { hash, range } = keysOf(query);
  try {
    const [sort, pk, sk] = cursorSchema.parse(JSON.parse(text));
    return { pk, sk, [hash]: query.pk, [range]: sort };
  } catch (error) {
    const message = "The cursor is not one that an earlier page of this query gave.";
    throw new StagefoldError("INVALID_INPUT", message, { issues: ["cursor"] }, { cause: error });
  }
}
