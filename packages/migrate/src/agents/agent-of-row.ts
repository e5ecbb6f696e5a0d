import {
  AGENT_LIMITS,
  type Agent,
  agentIdOf,
  agentSettingsSchema,
  type ImportedFigures,
  LIMITS,
  storableText,
  textSchema,
  userIdSchema,
} from "@stagefold/core";
import type { OlderAgent } from "../rows/agents-row.ts";
import { countField, textField, textsField } from "../rows/fields.ts";
import { olderTime } from "../rows/older-time.ts";

/** Texts of older lists that are kept. */
const MAX_LISTED = 64;
const MAX_TAGS = 20;

/**
 * The agent of an older row, without a version: what ran it there does not run here. A build that names it gives it its
 * first one. `now` is used where the row has no time.
 */
export async function agentOfRow({ agent_id: ref, item }: OlderAgent, now: string): Promise<Agent> {
  const named = cut(textField(item, "agent_name"), LIMITS.projectName);
  const agent = await emptyAgent(ref, now);
  const created = olderTime(item.created_at) ?? olderTime(item.deployed_at) ?? olderTime(item.updated_at);
  const updated = olderTime(item.updated_at) ?? created;
  const category = cut(textField(item, "category"), AGENT_LIMITS.category);
  const user_id = userIdSchema.safeParse(item.user_id).data;
  const tags = textsField(item, "tags").flatMap((tag) => cut(tag, 64) ?? []);
  return {
    ...agent,
    agent_name: named ?? agent.agent_name,
    title:
      cut(textField(item, "display_name"), AGENT_LIMITS.title) ??
      cut(named, AGENT_LIMITS.title) ??
      agent.title,
    description: storableText(textField(item, "description") ?? "", AGENT_LIMITS.description),
    ...(category !== undefined && { category }),
    ...(user_id !== undefined && { user_id }),
    tags: [...new Set(tags)].slice(0, MAX_TAGS),
    created_at: created?.at ?? now,
    updated_at: updated?.at ?? now,
    imported: figuresOf(item),
  };
}

/** An agent of which nothing but its id is known. */
export async function emptyAgent(ref: string, now: string): Promise<Agent> {
  const agent_id = await agentIdOf(ref);
  // `<project>:<name>` and `local_<folder>` say what it is called.
  const name = cut(/^(?:local_|[^:]+:)(.+)$/s.exec(ref)?.[1], LIMITS.projectName) ?? ref;
  return {
    agent_id,
    agent_name: name,
    title: cut(name, AGENT_LIMITS.title) ?? ref,
    description: "",
    tags: [],
    aliases: ref === agent_id ? [] : [ref],
    status: "ready",
    version: 1,
    revision: 1,
    created_at: now,
    updated_at: now,
    settings: agentSettingsSchema.parse({}),
    versions: [],
  };
}

/** The counters of both generations; the first one kept a rate of success in percent. */
function figuresOf(item: OlderAgent["item"]): ImportedFigures {
  const calls = Math.round(countField(item, "total_invocations", "call_count") ?? 0);
  const rate = countField(item, "success_rate");
  const failed =
    countField(item, "failed_invocations") ??
    (rate === undefined ? undefined : calls * (1 - Math.min(rate, 100) / 100));
  const avg_duration_ms = countField(item, "avg_duration_ms");
  const last_called_at = (olderTime(item.last_invoked_at) ?? olderTime(item.last_called_at))?.at;
  const [tools, capabilities] = [listOf(item, "tools"), listOf(item, "capabilities")];
  return {
    calls,
    ...(failed !== undefined && { failed: Math.round(failed) }),
    ...(avg_duration_ms !== undefined && { avg_duration_ms }),
    ...(last_called_at !== undefined && { last_called_at }),
    ...textOf(item, "status"),
    ...textOf(item, "version"),
    ...textOf(item, "project_id"),
    ...(tools.length > 0 && { tools }),
    ...(capabilities.length > 0 && { capabilities }),
  };
}

function listOf(item: OlderAgent["item"], field: string): string[] {
  return textsField(item, field)
    .slice(0, MAX_LISTED)
    .flatMap((one) => cut(one, 200) ?? []);
}

function textOf(item: OlderAgent["item"], field: string): Record<string, string> {
  const text = cut(textField(item, field), 200);
  return text === undefined ? {} : { [field]: text };
}

/** At most so many bytes of it, storable; undefined where nothing of it can be seen. */
export function cut(text: string | undefined, maxBytes: number): string | undefined {
  if (text === undefined) return undefined;
  return textSchema(maxBytes, 1).safeParse(storableText(text, maxBytes).trim()).data;
}
