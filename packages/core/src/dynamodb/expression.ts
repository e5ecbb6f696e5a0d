import type { DeleteCommandInput, PutCommandInput, UpdateCommandInput } from "@aws-sdk/lib-dynamodb";
import { type Edit, type Guard, guardsOf, type Patch, type Path, type RecordPatch } from "../patch/index.ts";
import { checkDepth, checkExpression, checkSize, checkValues, DYNAMODB_LIMITS } from "./limits.ts";
import { toSdk } from "./values.ts";

/** Names and values of one request: every name aliased, each once. */
class Aliases {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, unknown> = {};
  readonly #byName = new Map<string, string>();
  readonly #byValue = new Map<unknown, string>();
  operators = 0;

  path(path: Path): string {
    return path
      .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i > 0 ? "." : ""}${this.#name(step)}`))
      .join("");
  }

  value(value: unknown): string {
    const known = this.#byValue.get(value);
    if (known !== undefined) return known;
    const alias = `:v${this.#byValue.size}`;
    this.#byValue.set(value, alias);
    this.values[alias] = toSdk(value);
    return alias;
  }

  #name(name: string): string {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const alias = `#n${this.#byName.size}`;
    this.#byName.set(name, alias);
    this.names[alias] = name;
    return alias;
  }
}

/** The key of a patch's item; its first field is there in every item. */
function keyOf(patch: Patch | RecordPatch): { readonly key: Record<string, string>; readonly first: string } {
  return "project_id" in patch
    ? { key: { project_id: patch.project_id }, first: "project_id" }
    : { key: { pk: patch.pk, sk: patch.sk }, first: "pk" };
}

type Kind<K> = Extract<Patch | RecordPatch, { readonly kind: K }>;

/**
 * A patch as one UpdateItem request, whose condition says all that must be true.
 * Pure. Errors: SNAPSHOT_TOO_LARGE or INVALID_INPUT beyond DynamoDB's limits.
 */
export function toUpdateItem(patch: Kind<"update">, table: string): UpdateCommandInput {
  const aliases = new Aliases();
  const { key, first } = keyOf(patch);
  const UpdateExpression = updateExpression(patch.edits, aliases);
  checkExpression("update", { text: UpdateExpression, operators: aliases.operators });
  aliases.operators = 0;
  const exists = `attribute_exists(${aliases.path([first])})`;
  const ConditionExpression = [exists, ...guardsOf(patch).map((guard) => condition(guard, aliases))].join(
    " AND ",
  );
  checkExpression("condition", {
    text: ConditionExpression,
    operators: aliases.operators + guardsOf(patch).length,
  });
  const size = checkValues(aliases.names, aliases.values);
  const given = patch.edits.filter((edit) => edit.op === "set" || edit.op === "default");
  for (const edit of given) checkDepth(edit.value, edit.path.length - 1);
  // What it sets is among its values: only where those are too much it is weighed by itself.
  if (size > DYNAMODB_LIMITS.item) checkSize(given.map((edit) => edit.value));
  return {
    TableName: table,
    Key: key,
    UpdateExpression,
    ConditionExpression,
    ExpressionAttributeNames: aliases.names,
    ...(Object.keys(aliases.values).length > 0 && { ExpressionAttributeValues: aliases.values }),
    ReturnValues: "postImage" in patch && patch.postImage ? "NONE" : "ALL_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

/** A creation as one PutItem request that never replaces anything. */
export function toPutItem(patch: Kind<"put">, table: string): PutCommandInput {
  checkSize(patch.item);
  checkDepth(patch.item, 0);
  return {
    TableName: table,
    Item: Object.fromEntries(Object.entries(patch.item).map(([field, value]) => [field, toSdk(value)])),
    ConditionExpression: "attribute_not_exists(#id)",
    ExpressionAttributeNames: { "#id": keyOf(patch).first },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

/** Without guards no condition: the missing old item shows that there was nothing to delete. */
export function toDeleteItem(patch: Kind<"delete">, table: string): DeleteCommandInput {
  const aliases = new Aliases();
  const text = patch.guards.map((guard) => condition(guard, aliases)).join(" AND ");
  return {
    TableName: table,
    Key: keyOf(patch).key,
    ReturnValues: "ALL_OLD",
    ...(text !== "" && {
      ConditionExpression: text,
      ExpressionAttributeNames: aliases.names,
      ExpressionAttributeValues: aliases.values,
      ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
    }),
  };
}

function updateExpression(edits: readonly Edit[], aliases: Aliases): string {
  const clauses: Record<"SET" | "REMOVE", string[]> = { SET: [], REMOVE: [] };
  for (const edit of edits) {
    const path = aliases.path(edit.path);
    switch (edit.op) {
      case "set":
        clauses.SET.push(`${path} = ${aliases.value(edit.value)}`);
        break;
      case "default":
        aliases.operators += 1;
        clauses.SET.push(`${path} = if_not_exists(${path}, ${aliases.value(edit.value)})`);
        break;
      case "add":
        // Not ADD, which takes top-level attributes alone.
        aliases.operators += 2;
        clauses.SET.push(
          `${path} = if_not_exists(${path}, ${aliases.value(0)}) + ${aliases.value(edit.value)}`,
        );
        break;
      case "remove":
        clauses.REMOVE.push(path);
        break;
      default:
        edit satisfies never;
    }
  }
  aliases.operators += edits.length;
  return Object.entries(clauses)
    .filter(([, parts]) => parts.length > 0)
    .map(([keyword, parts]) => `${keyword} ${parts.join(", ")}`)
    .join(" ");
}

const COMPARISONS = { equals: "=", differs: "<>", less_than: "<", at_most: "<=", more_than: ">" } as const;

function condition(guard: Guard, aliases: Aliases): string {
  if ("any" in guard) return `(${guard.any.map((inner) => condition(inner, aliases)).join(" OR ")})`;
  const path = aliases.path(guard.path);
  aliases.operators += 1;
  switch (guard.is) {
    case "exists":
      return `attribute_exists(${path})`;
    case "absent":
      return `attribute_not_exists(${path})`;
    case "differs":
      // Engines disagree on whether a missing value differs from one that is given: here it does not.
      aliases.operators += 2;
      return `(attribute_exists(${path}) AND ${path} <> ${aliases.value(guard.value)})`;
    case "one_of":
      if (guard.values.length > DYNAMODB_LIMITS.operands) throw new RangeError("too many values for IN");
      return `${path} IN (${guard.values.map((value) => aliases.value(value)).join(", ")})`;
    case "begins_with":
      return `begins_with(${path}, ${aliases.value(guard.value)})`;
    case "equals":
    case "less_than":
    case "at_most":
    case "more_than":
      return `${path} ${COMPARISONS[guard.is]} ${aliases.value(guard.value)}`;
    default:
      return guard satisfies never;
  }
}
