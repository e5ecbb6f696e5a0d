import { REQUIREMENT, STAGES } from "../workload/contents.ts";

/** The stages of a build that no worker has begun. */
export function newStages() {
  return STAGES.map((stage, i) => ({
    stage,
    stage_number: i + 1,
    stage_name: `Stage ${stage}`,
    status: "pending",
    progress: 0,
    output_data: {},
    logs: [],
  }));
}

/** A queued build, with its stages in whatever form a baseline keeps them. */
export function newItem(id: string, stages_snapshot: unknown) {
  const at = new Date().toISOString();
  return {
    project_id: id,
    requirement: REQUIREMENT,
    user_id: "bench",
    status: "queued",
    created_at: at,
    updated_at: at,
    progress_percentage: 0,
    stages_snapshot,
  };
}
