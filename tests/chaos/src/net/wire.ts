import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { Item } from "@stagefold/core";
import type { WriteRequest } from "./journal.ts";

/** The operation that an `x-amz-target` names. */
export function operationOf(target: unknown): string {
  return String(target).split(".").at(-1) ?? "";
}

export function parse(body: Buffer): Item {
  return body.length === 0 ? {} : JSON.parse(body.toString());
}

/** Undefined for what writes nothing, and for what writes no project: records are in a table of their own. */
export function writeOf(operation: string, body: Buffer): WriteRequest | undefined {
  if (operation !== "PutItem" && operation !== "UpdateItem" && operation !== "DeleteItem") return undefined;
  const request = parse(body);
  const id = (operation === "PutItem" ? itemIn(request.Item) : itemIn(request.Key))?.project_id;
  if (typeof id !== "string") return undefined;
  return {
    operation,
    project_id: id,
    visible: operation !== "UpdateItem" || sets(request, "revision"),
    token: compared(request, "lease_token", "="),
    seq: compared(request, "lease_seq", "<"),
  };
}

/** The item that an accepted write answers with, or of a PutItem the one that it put. */
export function itemAfter(operation: string, body: Buffer, answer: Buffer): Item | undefined {
  return operation === "PutItem" ? itemIn(parse(body).Item) : itemIn(parse(answer).Attributes);
}

/** The same update, whose answer has the item; the very same bytes where it had it already. */
export function withItem(body: Buffer): Buffer {
  const request = parse(body);
  if (request.ReturnValues === "ALL_NEW") return body;
  return Buffer.from(JSON.stringify({ ...request, ReturnValues: "ALL_NEW" }));
}

/** The request without the fence: the conditions on token, number and revision hold whatever the item has. */
export function withoutFence(body: Buffer): Buffer {
  const request = parse(body);
  const names = ["lease_token", "lease_seq", "revision"];
  const aliases = names.flatMap((name) => aliasOf(request, name) ?? []);
  // The names and values stay in use, or the engine would find fault with the request.
  const condition = String(request.ConditionExpression).replace(
    /(^|[\s(])(#n\d+) ([=<]) (:v\d+)/g,
    (guard: string, before: string, alias: string) =>
      aliases.includes(alias)
        ? `${before}(${guard.slice(before.length)} OR attribute_exists(${alias}))`
        : guard,
  );
  return Buffer.from(JSON.stringify({ ...request, ConditionExpression: condition }));
}

function itemIn(marshalled: unknown): Item | undefined {
  return typeof marshalled === "object" && marshalled !== null
    ? unmarshall(Object.fromEntries(Object.entries(marshalled)))
    : undefined;
}

function aliasOf(request: Item, name: string): string | undefined {
  const names = request.ExpressionAttributeNames;
  if (typeof names !== "object" || names === null) return undefined;
  return Object.entries(names).find(([, known]) => known === name)?.[0];
}

function sets(request: Item, name: string): boolean {
  const alias = aliasOf(request, name);
  return alias !== undefined && new RegExp(`(SET |, )${alias} = `).test(String(request.UpdateExpression));
}

/** The number that the condition compares a field with. */
function compared(request: Item, name: string, operator: "=" | "<"): number | undefined {
  const alias = aliasOf(request, name);
  if (alias === undefined) return undefined;
  const guard = new RegExp(`(?:^|[\\s(])${alias} ${operator} (:v\\d+)`);
  const [, value] = guard.exec(String(request.ConditionExpression)) ?? [];
  const found = value === undefined ? undefined : itemIn(request.ExpressionAttributeValues)?.[value];
  return typeof found === "number" ? found : undefined;
}
