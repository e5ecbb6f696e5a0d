import { fromAttributes, toAttributes } from "./attribute-values.ts";
import type { Answer, Request } from "./transport.ts";

/** A request's body: JSON values become DynamoDB's own. */
export function toWire({ operation, input }: Request): object {
  switch (operation) {
    case "PutItem":
      return { ...input, ...valuesOf(input), Item: toAttributes(input.Item ?? {}) };
    case "GetItem":
      return { ...input, Key: toAttributes(input.Key ?? {}) };
    case "UpdateItem":
    case "DeleteItem":
      return { ...input, ...valuesOf(input), Key: toAttributes(input.Key ?? {}) };
    case "Query": {
      const from = input.ExclusiveStartKey;
      return { ...input, ...valuesOf(input), ...(from && { ExclusiveStartKey: toAttributes(from) }) };
    }
    case "BatchGetItem": {
      const tables = Object.entries(input.RequestItems ?? {}).map(([table, asked]) => [
        table,
        { ...asked, Keys: (asked.Keys ?? []).map(toAttributes) },
      ]);
      return { ...input, RequestItems: Object.fromEntries(tables) };
    }
    default:
      return operation satisfies never;
  }
}

function valuesOf({ ExpressionAttributeValues: values }: { ExpressionAttributeValues?: object | undefined }) {
  return values === undefined ? {} : { ExpressionAttributeValues: toAttributes(values) };
}

/** An answer's body as it is: maps of attributes in its known places. */
interface WireAnswer extends Pick<Answer, "ConsumedCapacity" | "Count" | "ScannedCount"> {
  readonly Item?: object;
  readonly Attributes?: object;
  readonly Items?: readonly object[];
  readonly LastEvaluatedKey?: object;
  readonly Responses?: { readonly [table: string]: readonly object[] };
  readonly UnprocessedKeys?: { readonly [table: string]: { readonly Keys?: readonly object[] } };
}

export function fromWire(answer: WireAnswer): Omit<Answer, "$metadata"> {
  const {
    Item,
    Attributes,
    Items,
    LastEvaluatedKey,
    Responses,
    UnprocessedKeys,
    ConsumedCapacity,
    Count,
    ScannedCount,
  } = answer;
  return {
    Count,
    ScannedCount,
    ...(ConsumedCapacity && { ConsumedCapacity }),
    ...(Item && { Item: fromAttributes(Item) }),
    ...(Attributes && { Attributes: fromAttributes(Attributes) }),
    ...(Items && { Items: Items.map(fromAttributes) }),
    ...(LastEvaluatedKey && { LastEvaluatedKey: fromAttributes(LastEvaluatedKey) }),
    ...(Responses && { Responses: mapped(Responses, (items) => items.map(fromAttributes)) }),
    ...(UnprocessedKeys && {
      UnprocessedKeys: mapped(UnprocessedKeys, ({ Keys }) => ({ Keys: (Keys ?? []).map(fromAttributes) })),
    }),
  };
}

function mapped<From, To>(map: { readonly [table: string]: From }, change: (from: From) => To) {
  return Object.fromEntries(Object.entries(map).map(([table, value]) => [table, change(value)]));
}
