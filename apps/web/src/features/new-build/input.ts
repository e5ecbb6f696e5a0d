import { LIMITS, utf8Bytes } from "@stagefold/core";
import type { Inputs, Project } from "../../lib/api.ts";

/** The form as it is filled in. */
export interface Draft {
  readonly requirement: string;
  readonly pipeline: string;
  readonly project_name: string;
  /** Separated by commas. */
  readonly tags: string;
  readonly priority: string;
  /** The agent that the build makes a new version of; empty for a new one. */
  readonly agent_id: string;
}

export type Field = keyof Draft;
const FIELDS: readonly Field[] = ["requirement", "pipeline", "project_name", "tags", "priority", "agent_id"];

export const EMPTY: Draft = {
  requirement: "",
  pipeline: "agent-build",
  project_name: "",
  tags: "",
  priority: "3",
  agent_id: "",
};

export function isDraft(value: unknown): value is Draft {
  return (
    typeof value === "object" &&
    value !== null &&
    FIELDS.every((field) => typeof Reflect.get(value, field) === "string")
  );
}

/** The form of a build that was made before, to be sent again with changes. */
export function draftOf(project: Project): Draft {
  const { requirement, pipeline, project_name, tags, priority } = project;
  return {
    ...EMPTY,
    requirement,
    pipeline: pipeline ?? EMPTY.pipeline,
    project_name,
    tags: tags.join(", "),
    priority: String(priority),
  };
}

/** Fields that the address fills in, such as `/new?pipeline=docs-site&requirement=…`. */
export function fieldsIn(search: Readonly<Record<string, unknown>>): Partial<Draft> {
  return Object.fromEntries(
    FIELDS.flatMap((field) => {
      const value = search[field];
      return typeof value === "string" || typeof value === "number" ? [[field, String(value)]] : [];
    }),
  );
}

/** What the API takes. What was left empty is left out. */
export function inputOf(draft: Draft, idempotencyKey: string): Inputs["projects"]["create"] {
  const name = draft.project_name.trim();
  const agent = draft.agent_id.trim();
  return {
    requirement: draft.requirement.trim(),
    pipeline: draft.pipeline,
    ...(name !== "" && { project_name: name }),
    ...(agent !== "" && { agent_id: agent }),
    tags: tagsOf(draft.tags),
    priority: Number(draft.priority),
    idempotency_key: idempotencyKey,
  };
}

export function tagsOf(text: string): string[] {
  const tags = text.split(/[,，、]/).map((tag) => tag.trim());
  return [...new Set(tags.filter((tag) => tag !== ""))];
}

/** Why the API would refuse a field. Sizes in bytes of UTF-8. */
export type Problem =
  | { readonly kind: "missing" }
  | { readonly kind: "long"; readonly size: number; readonly limit: number }
  | { readonly kind: "long tag"; readonly tag: string; readonly size: number; readonly limit: number }
  | { readonly kind: "many tags"; readonly count: number; readonly limit: number };

/** What is known to be wrong before the API is asked, so that it is said in the reader's language. */
export function problemsOf(draft: Draft): Partial<Record<Field, Problem>> {
  const tags = tagsOf(draft.tags);
  const longTag = tags.find((tag) => utf8Bytes(tag) > LIMITS.tag);
  const problems: Record<string, Problem | undefined> = {
    requirement:
      draft.requirement.trim() === ""
        ? { kind: "missing" }
        : tooLong(draft.requirement.trim(), LIMITS.requirement),
    project_name: tooLong(draft.project_name.trim(), LIMITS.projectName),
    tags:
      longTag !== undefined
        ? { kind: "long tag", tag: longTag, size: utf8Bytes(longTag), limit: LIMITS.tag }
        : tags.length > LIMITS.tags
          ? { kind: "many tags", count: tags.length, limit: LIMITS.tags }
          : undefined,
  };
  return Object.fromEntries(Object.entries(problems).filter(([, problem]) => problem !== undefined));
}

function tooLong(text: string, limit: number): Problem | undefined {
  const size = utf8Bytes(text);
  return size > limit ? { kind: "long", size, limit } : undefined;
}

export interface Issues {
  readonly byField: Readonly<Partial<Record<Field, string>>>;
  /** What belongs to no field of the form. */
  readonly others: readonly string[];
}

/** `issues` as the API gives them: `tags.0: expected …`. The first of each field is shown beside it. */
export function sortIssues(issues: readonly string[]): Issues {
  const byField: Partial<Record<Field, string>> = {};
  const others: string[] = [];
  for (const issue of issues) {
    const [, path = "", sentence = ""] = /^([a-z_]+)[^:]*: (.*)$/s.exec(issue) ?? [];
    const field = FIELDS.find((name) => name === path);
    if (field === undefined) others.push(issue);
    else byField[field] ??= sentence;
  }
  return { byField, others };
}
