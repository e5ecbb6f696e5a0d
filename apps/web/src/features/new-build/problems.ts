import { LIMITS, utf8Bytes } from "@stagefold/core";
import { type Problem as InputProblem, readEntries } from "../../components/schema-form/model.ts";
import type { PipelineInfo } from "../../lib/api.ts";
import { type Draft, type Field, inputFields, LIMIT_FIELDS, tagsOf } from "./input.ts";

/** Why the API would refuse a field. Sizes in bytes of UTF-8. */
export type Problem =
  | { readonly kind: "missing" }
  | { readonly kind: "number" }
  | { readonly kind: "time" }
  | { readonly kind: "long"; readonly size: number; readonly limit: number }
  | { readonly kind: "long tag"; readonly tag: string; readonly size: number; readonly limit: number }
  | { readonly kind: "many tags"; readonly count: number; readonly limit: number };

export interface Problems {
  readonly fields: Readonly<Partial<Record<Field, Problem>>>;
  /** Of the pipeline's input, by the keys of its controls. */
  readonly input: Readonly<Record<string, InputProblem>>;
}

/** What is known to be wrong before the API is asked, so that it is said in the reader's language. */
export function problemsOf(draft: Draft, pipeline?: PipelineInfo): Problems {
  const requirement = draft.requirement.trim();
  const isMissing = requirement === "" && pipeline?.requirement !== "optional";
  const found: readonly (readonly [Field, Problem | undefined])[] = [
    ["requirement", isMissing ? { kind: "missing" } : tooLong(requirement, LIMITS.requirement)],
    ["project_name", tooLong(draft.project_name.trim(), LIMITS.projectName)],
    ["tags", tagProblem(draft.tags)],
    ["start_at", isTime(draft.start_at) ? undefined : { kind: "time" }],
    ...LIMIT_FIELDS.map((field): [Field, Problem | undefined] => [
      field,
      isLimit(field, draft[field]) ? undefined : { kind: "number" },
    ]),
  ];
  return {
    fields: Object.fromEntries(found.filter(([, problem]) => problem !== undefined)),
    input: readEntries(inputFields(draft, pipeline), draft.entries).problems,
  };
}

function isTime(text: string): boolean {
  return text === "" || !Number.isNaN(Date.parse(text));
}

/** Money may have cents; the others are counted. */
function isLimit(field: Field, typed: string): boolean {
  const value = Number(typed.trim());
  if (typed.trim() === "") return true;
  return value >= 0 && (field === "cost_usd" ? Number.isFinite(value) : Number.isSafeInteger(value));
}

function tagProblem(text: string): Problem | undefined {
  const tags = tagsOf(text);
  const long = tags.find((tag) => utf8Bytes(tag) > LIMITS.tag);
  if (long !== undefined) return { kind: "long tag", tag: long, size: utf8Bytes(long), limit: LIMITS.tag };
  return tags.length > LIMITS.tags
    ? { kind: "many tags", count: tags.length, limit: LIMITS.tags }
    : undefined;
}

function tooLong(text: string, limit: number): Problem | undefined {
  const size = utf8Bytes(text);
  return size > limit ? { kind: "long", size, limit } : undefined;
}

export interface Issues {
  readonly byField: Readonly<Partial<Record<Field, string>>>;
  /** Of the pipeline's input, by the keys of its controls. */
  readonly input: Readonly<Record<string, { readonly said: string }>>;
  /** What belongs to no field of the form. */
  readonly others: readonly string[];
}

const NAMED: readonly Field[] = [
  "requirement",
  "pipeline",
  "project_name",
  "tags",
  "priority",
  "agent_id",
  "start_at",
];

/** `issues` as the API gives them: `tags.0: expected …`. The first of each field is shown beside it. */
export function sortIssues(issues: readonly string[]): Issues {
  const byField: Partial<Record<Field, string>> = {};
  const input: Record<string, { said: string }> = {};
  const others: string[] = [];
  for (const issue of issues) {
    const [, path = "", sentence = ""] = /^([^:\s]+): (.*)$/s.exec(issue) ?? [];
    const [name = "", ...rest] = path.split(".");
    const field =
      name === "limits" ? LIMIT_FIELDS.find((one) => one === rest[0]) : NAMED.find((one) => one === name);
    if (name === "input" && rest.length > 0) input[rest.join(".")] ??= { said: sentence };
    else if (field === undefined) others.push(issue);
    else byField[field] ??= sentence;
  }
  return { byField, input, others };
}
