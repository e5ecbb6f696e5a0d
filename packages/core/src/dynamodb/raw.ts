import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  ScanCommand,
  type ScanCommandInput,
} from "@aws-sdk/client-dynamodb";
import { asStoreError } from "./requests.ts";

/** An item as DynamoDB itself writes it, with the type of every value: nothing is lost in it. */
export type RawItem = Readonly<Record<string, AttributeValue>>;

export interface RawScanOptions {
  /** One of so many parts of the table, from 0; without it all of it. */
  readonly segment?: { readonly number: number; readonly of: number };
  /** Items that one request looks at; without it as many as 1 MB has. */
  readonly pageSize?: number;
  /** Stops between two pages. */
  readonly signal?: AbortSignal;
}

/** Every item of a table or of a segment, page by page. Read only. Errors: STORE_UNAVAILABLE. */
export async function* scanRaw(
  client: DynamoDBClient,
  table: string,
  { segment, pageSize, signal }: RawScanOptions = {},
): AsyncGenerator<readonly RawItem[]> {
  const input: ScanCommandInput = {
    TableName: table,
    ConsistentRead: true,
    ...(segment && { Segment: segment.number, TotalSegments: segment.of }),
    ...(pageSize !== undefined && { Limit: pageSize }),
  };
  let from: ScanCommandInput["ExclusiveStartKey"];
  do {
    const start = from && { ExclusiveStartKey: from };
    const page = await asStoreError(() => client.send(new ScanCommand({ ...input, ...start })));
    yield page.Items ?? [];
    from = page.LastEvaluatedKey;
  } while (from !== undefined && signal?.aborted !== true);
}

/** One item, strongly consistent. Errors: STORE_UNAVAILABLE. */
export async function getRaw(
  client: DynamoDBClient,
  table: string,
  projectId: string,
): Promise<RawItem | undefined> {
  const Key = { project_id: { S: projectId } };
  const input = { TableName: table, Key, ConsistentRead: true };
  return (await asStoreError(() => client.send(new GetItemCommand(input)))).Item;
}

/** The item in DynamoDB JSON: `{"project_id":{"S":"…"},…}`, bytes in base64. */
export function toDynamoJson(item: RawItem): string {
  return JSON.stringify(item, (_name, value: unknown) =>
    value instanceof Uint8Array ? base64(value) : value,
  );
}

export interface PlainItem {
  readonly item: { readonly [field: string]: unknown };
  /** Whether the item can be made again from this: JSON has no sets, no bytes and no numbers of 38 digits. */
  readonly exact: boolean;
}

/** The item as plain JSON values: sets as lists, bytes as base64. */
export function toPlain(item: RawItem): PlainItem {
  const losses: string[] = [];
  const plain = Object.entries(item).map(([field, value]) => [field, plainValue(value, losses)] as const);
  return { item: Object.fromEntries(plain), exact: losses.length === 0 };
}

function plainValue(value: AttributeValue, losses: string[]): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return plainNumber(value.N, losses);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.M !== undefined)
    return Object.fromEntries(Object.entries(value.M).map(([key, one]) => [key, plainValue(one, losses)]));
  if (value.L !== undefined) return value.L.map((one) => plainValue(one, losses));
  if (value.NULL !== undefined) return null;
  losses.push("set or bytes");
  if (value.SS !== undefined) return value.SS;
  if (value.NS !== undefined) return value.NS.map((one) => plainNumber(one, losses));
  if (value.BS !== undefined) return value.BS.map(base64);
  return value.B === undefined ? null : base64(value.B);
}

/** JSON's readers keep 15 digits of any number, and most that have 16 or 17. */
function plainNumber(text: string, losses: string[]): number {
  const digits = text.replace(/e.*$/i, "").replace(/\D/g, "").replace(/^0+/, "").length;
  if (digits > 15 && String(Number(text)) !== text) losses.push("number");
  return Number(text);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
