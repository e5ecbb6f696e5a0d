import { StagefoldError } from "../errors.ts";
import { LIMITS } from "../snapshot/limits.ts";
import type { Stage, SubStage } from "../snapshot/schema.ts";
import { requireStage, stageConflict } from "./require.ts";
import { errorText } from "./stage.ts";

/** What may happen to a part of a running stage. Parts may run at the same time. */
export type SubStageEvent =
  | { readonly event: "started" }
  | { readonly event: "progress"; readonly progress: number }
  | { readonly event: "completed" }
  | { readonly event: "failed"; readonly message: string }
  | { readonly event: "skipped"; readonly reason: string };

/** The running stage with one of its parts changed. A part is known from its start. */
export function changeSubStage(stage: Stage, key: string, event: SubStageEvent, at: string): Stage {
  requireStage(stage, ["running"]);
  const known = Object.hasOwn(stage.sub_stages, key) ? stage.sub_stages[key] : undefined;
  const next = nextSubStage(stage, key, known, event, at);
  return { ...stage, sub_stages: { ...stage.sub_stages, [key]: next } };
}

function nextSubStage(
  stage: Stage,
  key: string,
  known: SubStage | undefined,
  event: SubStageEvent,
  at: string,
): SubStage {
  const name = `${stage.stage}/${key}`;
  const wrong = (expected: string) => stageConflict(name, expected, known?.status ?? "not started");
  switch (event.event) {
    case "started": {
      if (known?.status === "running" || known?.status === "completed") throw wrong("not started");
      const number = known?.number ?? Object.keys(stage.sub_stages).length + 1;
      if (number > LIMITS.subStages)
        throw new StagefoldError(
          "INVALID_INPUT",
          `Stage ${stage.stage} may have ${LIMITS.subStages} sub-stages.`,
          {},
        );
      return { number, status: "running", started_at: at, artifacts: [] };
    }
    case "skipped": {
      if (known && known.status !== "running") throw wrong("not started or running");
      const number = known?.number ?? Object.keys(stage.sub_stages).length + 1;
      return {
        artifacts: [],
        ...known,
        number,
        status: "skipped",
        completed_at: at,
        error_message: errorText(event.reason),
      };
    }
    case "progress":
      if (known?.status !== "running") throw wrong("running");
      return { ...known, progress: Math.max(event.progress, known.progress ?? 0) };
    case "completed":
      if (known?.status !== "running") throw wrong("running");
      return { ...known, status: "completed", completed_at: at };
    case "failed":
      if (known?.status !== "running") throw wrong("running");
      return { ...known, status: "failed", completed_at: at, error_message: errorText(event.message) };
    default:
      return event satisfies never;
  }
}
