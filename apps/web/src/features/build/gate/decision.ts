import { type Field, fieldsOf, type JsonSchema } from "../../../components/schema-form/model.ts";
import type { Project } from "../../../lib/api.ts";

export type Waiting = NonNullable<Project["waiting"]>;

/** How a gate is answered: by two buttons where it asks yes or no, beside what else it wants to know; else by a form. */
export interface Decision {
  /** What is filled in. */
  readonly fields: readonly Field[];
  /** The keys that a yes or no decides, with what they are when the answer is yes; empty where it is no such question. */
  readonly yes: Readonly<Record<string, boolean>>;
}

/** Of a gate without a schema: whatever one says is an answer. */
const ANYTHING: JsonSchema = { type: "string", maxLength: 2000 };

export function decisionOf({ answer_schema, accept }: Pick<Waiting, "answer_schema" | "accept">): Decision {
  if (answer_schema === undefined) return { fields: fieldsOf(ANYTHING), yes: {} };
  const fields = fieldsOf(answer_schema);
  const yes = yesOf(fields, accept ?? {});
  return { fields: fields.filter(({ key }) => !Object.hasOwn(yes, key)), yes };
}

/** What the gate requires, if that is yes or no; else its only question of that kind. */
function yesOf(fields: readonly Field[], accept: Readonly<Record<string, unknown>>): Record<string, boolean> {
  const required = Object.entries(accept);
  const booleans = fields.filter(({ kind }) => kind === "boolean");
  if (required.length > 0) {
    const asked = required.every(
      ([key, value]) => typeof value === "boolean" && booleans.some((field) => field.key === key),
    );
    return asked ? Object.fromEntries(required.map(([key, value]) => [key, value === true])) : {};
  }
  const [only, ...others] = booleans;
  return only && others.length === 0 ? { [only.key]: true } : {};
}

/** The whole answer. `said` is what the form has, undefined where it has nothing. */
export function answerOf({ yes }: Decision, said: unknown, isYes: boolean): unknown {
  const decided = Object.entries(yes).map(([key, value]) => [key, isYes ? value : !value] as const);
  if (decided.length === 0) return said ?? true;
  // The question itself is yes or no.
  const [first] = decided;
  if (decided.length === 1 && first?.[0] === "") return first[1];
  return { ...(typeof said === "object" && said !== null && said), ...Object.fromEntries(decided) };
}
