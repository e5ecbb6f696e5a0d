import { StagefoldError } from "../errors.ts";
import type { Edit, UpdatePatch } from "../patch/index.ts";
import { NOTHING_SPENT } from "../project/budget.ts";
import { requireStatus, stageConflict } from "../project/require.ts";
import { reopenStage } from "../project/stage.ts";
import { restartedStages } from "../project/take-over.ts";
import { isFinished, progressOf } from "../snapshot/derive.ts";
import { findStage } from "../snapshot/find-stage.ts";
import { allNeedsOf } from "../snapshot/graph.ts";
import { canonicalJson } from "../snapshot/ids.ts";
import type { Limits, Project, ProjectStatus, Stage } from "../snapshot/schema.ts";
import {
  type Control,
  controlPatch,
  inStatus,
  NOT_ASKED,
  NOT_HELD,
  offered,
  remove,
  sameRun,
  set,
} from "./control-patch.ts";
import type { StoredInput } from "./create.ts";

const RETRIABLE = ["completed", "failed", "cancelled"] as const satisfies readonly ProjectStatus[];

/** What a retry may change besides where it starts. */
export interface RetryIntent {
  readonly from_stage?: string | undefined;
  readonly pipeline?: { readonly name: string; readonly version: string } | undefined;
  /** Another input from this run on: in the item, or by the document that has it. */
  readonly input?: StoredInput | undefined;
  /** These replace those of the same names. What was spent stays spent. */
  readonly limits?: Limits | undefined;
}

/** An ended project → queued, a new run. The next lease owner's first write opens the stages again. */
export function retry(known: Project, intent: RetryIntent, control: Control): UpdatePatch {
  requireStatus(known, RETRIABLE);
  const from = restartStage(known, intent.from_stage);
  const { stages } = known.stages_snapshot;
  const restarted = restartedStages(stages, from.position);
  const kept = stages.map((stage, i) => (restarted.has(i) ? reopenStage(stage) : stage));
  const project = intent.pipeline ? { ...known, pipeline_version: intent.pipeline.version } : known;
  return controlPatch(
    "retry",
    known,
    control,
    [inStatus([known.status]), ...sameRun(known)],
    [
      ...offered(project, control.at),
      ...(intent.pipeline
        ? [set("pipeline", intent.pipeline.name), set("pipeline_version", intent.pipeline.version)]
        : []),
      set("run", known.run + 1),
      set("restart_from", from.stage.stage),
      set("current_stage", from.stage.stage),
      set("current_stage_number", from.stage.stage_number),
      set("progress_percentage", progressOf(kept)),
      { op: "add", path: ["lease_token"], value: 1 },
      NOT_HELD,
      ...NOT_ASKED,
      ...(intent.input ? inputEdits(known, intent.input) : []),
      ...(intent.limits ? limitEdits(known, intent.limits) : []),
      remove("error_info"),
      remove("completed_at"),
      remove("build_summary"),
    ],
  );
}

/** The input that it has is no other one: `input_run` stays the run that this one began with. */
function inputEdits(known: Project, given: StoredInput): Edit[] {
  const has = known.input_ref === undefined ? { input: known.input } : { input_ref: known.input_ref };
  if (canonicalJson(has) === canonicalJson(given)) return [];
  return [
    "input" in given ? set("input", given.input) : remove("input"),
    "input_ref" in given ? set("input_ref", given.input_ref) : remove("input_ref"),
    set("input_run", known.run + 1),
  ];
}

function limitEdits(known: Project, given: Limits): Edit[] {
  return [
    set("limits", { ...known.limits, ...given }),
    { op: "default", path: ["spent"], value: NOTHING_SPENT },
  ];
}

function restartStage(known: Project, named: string | undefined): { stage: Stage; position: number } {
  const { stages } = known.stages_snapshot;
  if (named === undefined) {
    const open = stages.find((stage) => !isFinished(stage) || stage.stage === known.restart_from);
    if (open) return findStage(known, open.stage);
    throw new StagefoldError("INVALID_INPUT", "All stages are finished: name the stage to start from.", {
      issues: ["from_stage: expected the key of a stage"],
    });
  }
  const from = findStage(known, named);
  const needed = allNeedsOf(stages, from.position);
  const open = stages.find((stage, i) => needed.has(i) && !isFinished(stage));
  if (open) throw stageConflict(open.stage, `finished before ${from.stage.stage} can start`, open.status);
  return from;
}
