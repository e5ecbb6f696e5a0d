import { z } from "zod";
import { StagefoldError } from "../errors.ts";
import { depthOf, itemBytes, utf8Bytes } from "../snapshot/limits.ts";

/**
 * Amazon DynamoDB's own limits, which local engines do not all enforce.
 * Source: "Quotas and constraints", Amazon DynamoDB Developer Guide.
 */
export const DYNAMODB_LIMITS = {
  /** Bytes of UTF-8 of any one expression. */
  expression: 4096,
  operators: 300,
  /** Operands of IN. */
  operands: 100,
  depth: 32,
  /** Bytes of a key. */
  partitionKey: 2048,
  sortKey: 1024,
  /** Bytes of an item. */
  item: 400 * 1024,
  /** Bytes of the names and values of one request's expressions together. */
  values: 2 * 1024 * 1024,
} as const;

/** A key that a cursor brings. DynamoDB refuses an empty or too long one as a request that is wrong in itself. */
export function cursorKeySchema(kind: "partitionKey" | "sortKey") {
  return z
    .string()
    .min(1)
    .refine((key) => utf8Bytes(key) <= DYNAMODB_LIMITS[kind]);
}

/** What is known of an expression before it is sent. */
export interface ExpressionSize {
  readonly text: string;
  readonly operators: number;
}

/** Errors: INTERNAL, since transitions are made to fit; it names the expression and the limit. */
export function checkExpression(kind: "update" | "condition", { text, operators }: ExpressionSize): void {
  const bytes = utf8Bytes(text);
  if (bytes > DYNAMODB_LIMITS.expression)
    throw internal(
      `The ${kind} expression has ${bytes} bytes; DynamoDB takes ${DYNAMODB_LIMITS.expression}.`,
    );
  if (operators > DYNAMODB_LIMITS.operators)
    throw internal(
      `The ${kind} expression has ${operators} operators; DynamoDB takes ${DYNAMODB_LIMITS.operators}.`,
    );
}

/** Errors: INVALID_INPUT when a value is nested too deeply. `above`: levels that its place in the item adds. */
export function checkDepth(value: unknown, above: number): void {
  const depth = depthOf(value) + above;
  if (depth <= DYNAMODB_LIMITS.depth) return;
  throw new StagefoldError(
    "INVALID_INPUT",
    `A value has ${depth} levels of nesting; the store takes ${DYNAMODB_LIMITS.depth}.`,
    {},
  );
}

/**
 * Answers with the bytes of what a request says, what it only compares included.
 * Errors: SNAPSHOT_TOO_LARGE when they are too many.
 */
export function checkValues(names: object, values: object): number {
  const size = itemBytes(names) + itemBytes(values);
  if (size <= DYNAMODB_LIMITS.values) return size;
  throw new StagefoldError(
    "SNAPSHOT_TOO_LARGE",
    `The request has ${size} bytes of names and values; the store takes ${DYNAMODB_LIMITS.values}.`,
    { size, limit: DYNAMODB_LIMITS.values },
  );
}

/** Errors: SNAPSHOT_TOO_LARGE. */
export function checkSize(value: object): void {
  const size = itemBytes(value);
  if (size <= DYNAMODB_LIMITS.item) return;
  throw new StagefoldError(
    "SNAPSHOT_TOO_LARGE",
    `The write has ${size} bytes; the store takes ${DYNAMODB_LIMITS.item}.`,
    {
      size,
      limit: DYNAMODB_LIMITS.item,
    },
  );
}

function internal(message: string) {
  return new StagefoldError("INTERNAL", message, {});
}
