import type { PutPatch } from "../patch/index.ts";
import { NOTHING_SPENT } from "../project/budget.ts";
import { emptyOutput } from "../project/stage.ts";
import { snapshotOf } from "../snapshot/derive.ts";
import { itemBytes, previewOf, valueBytes, withOwnCount } from "../snapshot/limits.ts";
import { type Limits, type Project, SCHEMA_VERSION, type Stage } from "../snapshot/schema.ts";
import { fromTime } from "../snapshot/time.ts";
import { DEFAULT_POOL, EXTERNAL_POOL, workQueueOf } from "../snapshot/work-queue.ts";

/** An input as the item has it. */
export type StoredInput =
  | { readonly input: Readonly<Record<string, unknown>> }
  | { readonly input_ref: string };

/** One stage of a project that is about to be made. */
export interface StagePlan {
  readonly stage: string;
  readonly stage_name?: string | undefined;
  readonly weight?: number | undefined;
  readonly agent_name?: string | undefined;
  readonly needs?: readonly string[] | undefined;
  readonly finally?: boolean | undefined;
  readonly allow_failure?: boolean | undefined;
}

export interface NewProject {
  readonly project_id: string;
  readonly requirement: string;
  readonly project_name: string;
  readonly pipeline?: string | undefined;
  /** Left out for a project with stages of its own: no pipeline runs it, a program does. */
  readonly pipeline_version?: string | undefined;
  readonly user_id?: string | undefined;
  readonly user_name?: string | undefined;
  readonly agent_id?: string | undefined;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly input?: Readonly<Record<string, unknown>> | undefined;
  /** The document that has an input too large for the item. */
  readonly input_ref?: string | undefined;
  readonly start_at?: string | undefined;
  readonly limits?: Limits | undefined;
  readonly request_hash?: string | undefined;
  /** Who asked for it, as `control.by` has it. */
  readonly created_by?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly stages: readonly StagePlan[];
}

/** A project that waits for a worker. */
export function newProject(given: NewProject, at: string): Project {
  const { stages, tags, limits: _l, ...fields } = given;
  const pool = given.pipeline_version === undefined ? EXTERNAL_POOL : DEFAULT_POOL;
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const project: Project = {
    ...present,
    schema_version: SCHEMA_VERSION,
    project_id: given.project_id,
    project_name: given.project_name,
    requirement: given.requirement,
    requirement_preview: previewOf(given.requirement),
    priority: given.priority,
    tags: [...tags],
    status: "queued",
    run: 1,
    ...(stages[0] && { current_stage: stages[0].stage, current_stage_number: 1 }),
    progress_percentage: 0,
    created_at: at,
    updated_at: at,
    revision: 1,
    item_bytes: 0,
    stages_snapshot: snapshotOf(stages.map(newStage)),
    // A deleted project that is made again starts above every token it ever had.
    lease_token: Math.floor(fromTime(at) / 1000),
    lease_seq: 0,
    lease: { claims: 0 },
    ...(given.limits && { limits: given.limits, spent: NOTHING_SPENT }),
    work_queue: workQueueOf(pool, given.priority, given.project_id),
    work_due_at: given.start_at !== undefined && given.start_at > at ? given.start_at : at,
  };
  return { ...project, item_bytes: withOwnCount(itemBytes(project) - valueBytes(0)) };
}

/** One PutItem, on the condition that no such project exists. */
export function create(given: NewProject, at: string): PutPatch {
  const item = newProject(given, at);
  return { kind: "put", transition: "create", project_id: given.project_id, guards: [], item };
}

/** A stage before its first attempt. Every map that later writes reach into is there from the start. */
export function newStage(plan: StagePlan, index: number): Stage {
  return {
    stage: plan.stage,
    stage_number: index + 1,
    stage_name: plan.stage_name ?? plan.stage,
    weight: plan.weight ?? 1,
    status: "pending",
    attempt: 0,
    progress: 0,
    ...(plan.agent_name !== undefined && { agent_name: plan.agent_name }),
    ...(plan.needs !== undefined && { needs: [...plan.needs] }),
    ...(plan.finally === true && { finally: true }),
    ...(plan.allow_failure === true && { allow_failure: true }),
    output_data: emptyOutput(),
    metrics: {},
    error_message: null,
    sub_stages: {},
    history: [],
  };
}
