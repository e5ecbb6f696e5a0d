import type { Inputs } from "../../lib/api.ts";

/** The form as it is filled in. */
export interface Draft {
  readonly requirement: string;
  readonly pipeline: string;
  readonly project_name: string;
  /** Separated by commas. */
  readonly tags: string;
  readonly priority: string;
}

export type Field = keyof Draft;
const FIELDS: readonly Field[] = ["requirement", "pipeline", "project_name", "tags", "priority"];

export const EMPTY: Draft = {
  requirement: "",
  pipeline: "agent-build",
  project_name: "",
  tags: "",
  priority: "3",
};

/** What the API takes. What was left empty is left out. */
export function inputOf(draft: Draft, idempotencyKey: string): Inputs["projects"]["create"] {
  const name = draft.project_name.trim();
  return {
    requirement: draft.requirement.trim(),
    pipeline: draft.pipeline,
    ...(name !== "" && { project_name: name }),
    tags: tagsOf(draft.tags),
    priority: Number(draft.priority),
    idempotency_key: idempotencyKey,
  };
}

export function tagsOf(text: string): string[] {
  const tags = text.split(/[,，、]/).map((tag) => tag.trim());
  return [...new Set(tags.filter((tag) => tag !== ""))];
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
