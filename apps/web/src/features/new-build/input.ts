import { type Entries, fieldsOf, readEntries } from "../../components/schema-form/model.ts";
import type { Inputs, PipelineInfo } from "../../lib/api.ts";

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
  /** A time of the reader's own zone, `2026-11-30T08:00`; empty for at once. */
  readonly start_at: string;
  readonly cost_usd: string;
  readonly tokens: string;
  readonly seconds: string;
  readonly attempts: string;
  /** What the form of the pipeline's input begins with, as JSON; empty for the schema's defaults. */
  readonly input: string;
  /** What was typed into that form since. */
  readonly entries: Entries;
}

export type Field = Exclude<keyof Draft, "entries">;
const FIELDS: readonly Field[] = [
  "requirement",
  "pipeline",
  "project_name",
  "tags",
  "priority",
  "agent_id",
  "start_at",
  "cost_usd",
  "tokens",
  "seconds",
  "attempts",
  "input",
];
/** What a build may use up before it is ended. */
export const LIMIT_FIELDS = ["cost_usd", "tokens", "seconds", "attempts"] as const satisfies Field[];
export type LimitField = (typeof LIMIT_FIELDS)[number];

export const EMPTY: Draft = {
  requirement: "",
  pipeline: "agent-build",
  project_name: "",
  tags: "",
  priority: "3",
  agent_id: "",
  start_at: "",
  cost_usd: "",
  tokens: "",
  seconds: "",
  attempts: "",
  input: "",
  entries: {},
};

export function isDraft(value: unknown): value is Draft {
  return (
    typeof value === "object" &&
    value !== null &&
    FIELDS.every((field) => typeof Reflect.get(value, field) === "string") &&
    isObject(Reflect.get(value, "entries"))
  );
}

/** What a build that was made before, or a schedule, says of a build. */
type Source = Pick<
  Inputs["projects"]["create"],
  "requirement" | "pipeline" | "project_name" | "tags" | "priority" | "limits"
>;

/** The form of a build as it was made before, to be sent again with changes. `input` is what that one was given. */
export function draftOf({ tags = [], priority, limits = {}, ...source }: Source, input: unknown): Draft {
  const limit = (name: LimitField) => (limits[name] === undefined ? "" : String(limits[name]));
  return {
    ...EMPTY,
    requirement: source.requirement ?? "",
    pipeline: source.pipeline ?? EMPTY.pipeline,
    project_name: source.project_name ?? "",
    tags: tags.join(", "),
    priority: String(priority ?? EMPTY.priority),
    cost_usd: limit("cost_usd"),
    tokens: limit("tokens"),
    seconds: limit("seconds"),
    attempts: limit("attempts"),
    input: isObject(input) ? JSON.stringify(input) : "",
  };
}

/** Fields that the address fills in, such as `/new?pipeline=docs-site&requirement=…&tokens=100000&input={"pages":3}`. */
export function fieldsIn(search: Readonly<Record<string, unknown>>): Partial<Draft> {
  return Object.fromEntries(
    FIELDS.flatMap((field): [Field, string][] => {
      const value = search[field];
      if (field === "input") return isObject(value) ? [[field, JSON.stringify(value)]] : [];
      if (field === "start_at") return typeof value === "string" ? [[field, localTime(value)]] : [];
      return typeof value === "string" || typeof value === "number" ? [[field, String(value)]] : [];
    }),
  );
}

/** The controls of the pipeline's input, with what the draft begins with. */
export function inputFields({ input }: Pick<Draft, "input">, pipeline: PipelineInfo | undefined) {
  if (pipeline?.input_schema === undefined) return [];
  return fieldsOf(pipeline.input_schema, fromJson(input));
}

function fromJson(json: string): unknown {
  try {
    return json === "" ? undefined : JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What the API takes. What was left empty is left out. */
export function inputOf(draft: Draft, pipeline: PipelineInfo | undefined): Inputs["projects"]["create"] {
  const name = draft.project_name.trim();
  const agent = draft.agent_id.trim();
  const requirement = draft.requirement.trim();
  const limits = Object.fromEntries(
    LIMIT_FIELDS.flatMap((field) => {
      const typed = draft[field].trim();
      return typed === "" ? [] : [[field, Number(typed)]];
    }),
  );
  const fields = inputFields(draft, pipeline);
  const { value } = readEntries(fields, draft.entries);
  return {
    ...(requirement !== "" && { requirement }),
    pipeline: draft.pipeline,
    ...(name !== "" && { project_name: name }),
    ...(agent !== "" && { agent_id: agent }),
    ...(fields.length > 0 && isObject(value) && { input: value }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(draft.start_at !== "" && { start_at: new Date(draft.start_at).toISOString() }),
    tags: tagsOf(draft.tags),
    priority: Number(draft.priority),
  };
}

/** A time of the address, in the form that its field has; empty where it is none. */
function localTime(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function tagsOf(text: string): string[] {
  const tags = text.split(/[,，、]/).map((tag) => tag.trim());
  return [...new Set(tags.filter((tag) => tag !== ""))];
}
