import { type FailureCode, isStagefoldError } from "../errors.ts";
import { findStage } from "../snapshot/find-stage.ts";
import { truncateUtf8 } from "../snapshot/limits.ts";
import type { ReportedLine } from "../snapshot/log-line.ts";
import { failureCodeSchema, type Project } from "../snapshot/schema.ts";
import { applyEvent } from "./apply-event.ts";
import type { ReportEvent } from "./events.ts";
import { emptyOutput } from "./stage.ts";

/** The event of a report that ends a stage, if one does. */
export function endOf(events: readonly ReportEvent[]): StageEnd | undefined {
  const ends = events.filter(
    (event): event is StageEnd =>
      event.sub_stage === undefined &&
      (event.event === "completed" || event.event === "failed" || event.event === "skipped"),
  );
  // What is skipped with the end of another stage can be skipped later too.
  return ends.findLast(({ event }) => event !== "skipped") ?? ends.at(-1);
}

export type StageEnd = Extract<ReportEvent, { event: "completed" | "failed" | "skipped" }>;

/** Room for the words of both, within the cap of an error. */
const MAX_WORDS = 800;

/**
 * The project with the stage failed, and nothing else of the report that was refused: what is added always fits and is
 * always storable. Without `lines`, which are what it said in the log, it also
 * drops from the item what the stage has made so far: for a project that does not fit otherwise.
 */
export function endAnyway(
  project: Project,
  end: StageEnd,
  refusal: unknown,
  at: string,
  options: { readonly seq: number; readonly lines?: readonly ReportedLine[] },
): Project {
  let next = project;
  const { stage: key } = findStage(project, end.stage).stage;
  if (findStage(next, key).stage.status === "pending")
    next = applyEvent(next, { event: "started", stage: key }, at, options.seq);
  if (!options.lines) next = withoutResults(next, key);
  else if (options.lines.length > 0)
    next = applyEvent(next, { event: "log", stage: key, lines: [...options.lines] }, at, options.seq);
  const failed = { event: "failed" as const, stage: key, ...failureOf(end, refusal) };
  return applyEvent(next, failed, at, options.seq);
}

function failureOf(end: StageEnd, refusal: unknown): { message: string; code: FailureCode } {
  const why = truncateUtf8(refusal instanceof Error ? refusal.message : String(refusal), MAX_WORDS);
  const code = isStagefoldError(refusal, "SNAPSHOT_TOO_LARGE") ? "ITEM_FULL" : "OUTPUT_INVALID";
  if (end.event !== "failed")
    return { code, message: `The stage was ${end.event}, but that could not be recorded: ${why}` };
  // The refused event may not have passed its schema.
  const said: unknown = end.message;
  const words = truncateUtf8(typeof said === "string" ? said : "The stage failed.", MAX_WORDS);
  const message = `${words} (What else it reported could not be recorded: ${why})`;
  return { code: failureCodeSchema.safeParse(end.code).data ?? "STAGE_FAILED", message };
}

function withoutResults(project: Project, key: string): Project {
  const { stages_snapshot } = project;
  const stages = stages_snapshot.stages.map((stage) =>
    stage.stage === key
      ? { ...stage, output_data: emptyOutput(), metrics: {}, sub_stages: {}, logs: [] }
      : stage,
  );
  return { ...project, stages_snapshot: { ...stages_snapshot, stages } };
}
