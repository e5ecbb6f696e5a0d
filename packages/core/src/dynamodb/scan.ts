import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, ScanCommand, type ScanCommandInput } from "@aws-sdk/lib-dynamodb";
import type { Item } from "../patch/index.ts";
import { asStoreError, translation } from "./requests.ts";

export interface ScanOptions {
  /** Items that one request looks at; without it as many as 1 MB has. */
  readonly pageSize?: number;
  /** Top-level fields; without them all. */
  readonly fields?: readonly string[];
  /** Stops between two pages. */
  readonly signal?: AbortSignal;
}

/**
 * Every item of a table, of whatever format, page by page and in the store's order. What is written meanwhile may be
 * there or not. Read only. Errors: STORE_UNAVAILABLE, INTERNAL when there is no such table.
 */
export async function* scanTable(
  client: DynamoDBClient,
  table: string,
  options: ScanOptions = {},
): AsyncGenerator<readonly Item[]> {
  const documents = DynamoDBDocumentClient.from(client, translation());
  const input = scanInput(table, options);
  let from: ScanCommandInput["ExclusiveStartKey"];
  do {
    const page = await asStoreError(() =>
      documents.send(new ScanCommand({ ...input, ...(from && { ExclusiveStartKey: from }) })),
    );
    yield page.Items ?? [];
    from = page.LastEvaluatedKey;
  } while (from !== undefined && options.signal?.aborted !== true);
}

function scanInput(table: string, { pageSize, fields }: ScanOptions): ScanCommandInput {
  return {
    TableName: table,
    ConsistentRead: true,
    ...(pageSize !== undefined && { Limit: pageSize }),
    ...(fields && {
      ProjectionExpression: fields.map((_, i) => `#f${i}`).join(", "),
      ExpressionAttributeNames: Object.fromEntries(fields.map((field, i) => [`#f${i}`, field])),
    }),
  };
}
