import type { Project, ProjectStatus } from "@stagefold/core";
import type { Given, Spec } from "./specification.ts";

const ENDED: readonly ProjectStatus[] = ["completed", "failed", "cancelled"];

/** What a caller was shown of a project. */
export interface View {
  readonly token: number;
  readonly revision: number;
  /** All of it. */
  readonly text: string;
}

/** What a caller sees of a project, as text that can be compared. */
export function shown(state: Spec): string {
  const { written: _w, born: _b, ...view } = state;
  return JSON.stringify({ ...view, stages: view.stages.map(({ plan: _p, ...stage }) => stage) });
}

/** The same of a real project. */
export function viewOf(project: Project): View {
  const { status, run, revision, lease, stages_snapshot, waiting, answer } = project;
  const failing = project.error_info !== undefined && !ENDED.includes(status);
  const text = shown({
    status,
    run,
    revision,
    progress: project.progress_percentage,
    token: project.lease_token,
    seq: project.lease_seq,
    held: lease.owner !== undefined,
    fresh: lease.unstarted === true,
    claims: lease.claims,
    restart: project.restart_from ?? null,
    op: project.control?.op ?? null,
    gate: waiting
      ? {
          stage: waiting.stage,
          ends: typeof waiting.on_timeout === "string" ? waiting.on_timeout : "answer",
          timed: waiting.expires_at !== undefined,
        }
      : null,
    failing,
    answer: answer ? String(answer.value) : null,
    input: inputText(project.input),
    input_run: project.input_run ?? null,
    limit: project.limits?.attempts ?? null,
    spent: project.spent?.attempts ?? 0,
    stages: stages_snapshot.stages.map(({ stage, status, attempt, progress, output_data }) => ({
      stage,
      plan: { stage },
      status,
      attempt,
      progress,
      artifacts: output_data.artifacts,
      answer: output_data.answer === undefined ? null : String(output_data.answer),
    })),
    written: {},
    born: 0,
  });
  return { token: project.lease_token, revision, text };
}

/** An input as it is compared. */
export function inputText(input: Given["input"]): string | null {
  return input ? JSON.stringify(input) : null;
}
