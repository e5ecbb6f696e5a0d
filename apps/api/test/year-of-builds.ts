import type { Item, ProjectStore, PutPatch } from "@stagefold/core";

const STAGES = [
  "orchestrator",
  "requirements_analysis",
  "system_architecture",
  "agent_design",
  "agent_developer_manager",
  "prompt_engineer",
];
const DAY_MS = 86_400_000;

/** Ended builds, spread evenly over the year before `endMs`; the same on every run. Enough of an item for any list. */
export function* yearOfBuilds(count: number, endMs: number): Generator<Item> {
  for (let n = 0; n < count; n++) yield buildOf(n, endMs - Math.floor(((n + 0.5) / count) * 365 * DAY_MS));
}

function buildOf(n: number, createdMs: number): Item {
  const time = (seconds: number) => new Date(createdMs + seconds * 1000).toISOString();
  const status = n % 10 === 0 ? "failed" : n % 50 === 1 ? "cancelled" : "completed";
  const seconds = STAGES.map((stage, i) => [stage, 30 + ((n * (i + 3)) % 600) / 10] as const);
  const total = seconds.reduce((sum, [, one]) => sum + one, 0);
  return {
    schema_version: 1,
    project_id: `proj_${n.toString(16).padStart(12, "0")}`,
    project_name: `build_${n}`,
    requirement: "An agent that does what number it has",
    user_id: `user_${n % 97}`,
    user_name: `User ${n % 97}`,
    tags: ["generated"],
    priority: 3,
    pipeline: "agent-build",
    pipeline_version: "v1",
    agent_id: `agent_${(n % 5000).toString(16).padStart(12, "0")}`,
    status,
    run: 1,
    current_stage: "prompt_engineer",
    current_stage_number: 6,
    progress_percentage: status === "completed" ? 100 : 50,
    ...(status === "failed" && {
      error_info: { stage: "agent_design", code: "STAGE_FAILED", message: "no" },
    }),
    created_at: time(0),
    updated_at: time(total),
    started_at: time(1),
    completed_at: time(1 + total),
    revision: 9,
    item_bytes: 1000,
    stages_snapshot: { total: 0, completed: 0, stages: [] },
    build_summary: {
      stage_seconds: Object.fromEntries(seconds),
      input_tokens: 18_800 + n,
      output_tokens: 200,
      tool_calls: 3,
      artifacts: 9,
    },
    lease_token: 1,
    lease_seq: 8,
    lease: { claims: 0 },
  };
}

/** Puts the items, several at once. */
export async function putAll(store: ProjectStore, items: Iterable<Item>): Promise<void> {
  const source = items[Symbol.iterator]();
  const putter = async () => {
    for (let next = source.next(); !next.done; next = source.next()) {
      const item = next.value;
      const project_id = String(item.project_id);
      const patch: PutPatch = { kind: "put", transition: "create", project_id, guards: [], item };
      const { ok } = await store.write(patch);
      if (!ok) throw new Error(`expected no ${project_id}, found one`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, putter));
}
