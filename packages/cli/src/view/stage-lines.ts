import type { Stage } from "@stagefold/client";
import { escaped } from "./escape.ts";
import { duration, percent, plural, secondsSince } from "./format.ts";
import { type Paint, STAGE_LOOK } from "./status.ts";
import { cell, cellRight, cut } from "./width.ts";

/** What the lines depend on besides the build. */
export interface Frame {
  readonly paint: Paint;
  /** Lines are cut to it; undefined where nothing needs to be cut. */
  readonly columns: number | undefined;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

const NAME_COLUMNS = 32;
const BAR = 10;

/** A stage in one line, and below it what it says while it runs, or why it failed. */
export function stageLines(stage: Stage, frame: Frame): string[] {
  const { colour, mark } = STAGE_LOOK[stage.status];
  const paint = frame.paint[colour];
  const number = cellRight(String(stage.stage_number), 2);
  const name = cell(escaped(stage.stage_name), NAME_COLUMNS);
  const columns = frame.columns ?? Number.POSITIVE_INFINITY;
  // Mark, number and name come first, with a space after each; the state is shown by the mark and by words.
  const state = cut(stateOf(stage, frame.nowMs), columns - NAME_COLUMNS - 6);
  return [`${paint(mark)} ${number} ${name} ${paint(state)}`, ...below(stage, frame, columns - 5)];
}

function stateOf(stage: Stage, nowMs: number): string {
  const attempt = stage.attempt > 1 ? `attempt ${stage.attempt}` : "";
  const parts = (...texts: string[]) => texts.filter((text) => text !== "").join("  ");
  switch (stage.status) {
    case "pending":
      if (stage.attempt > 0) return `waiting for attempt ${stage.attempt + 1}`;
      return stage.needs?.length ? `pending  needs ${stage.needs.join(", ")}` : "pending";
    case "running": {
      const since = duration(secondsSince(stage.started_at, undefined, nowMs));
      return parts(`${bar(stage.progress)} ${percent(stage.progress)}`, since, attempt);
    }
    case "waiting":
      return parts(
        "waits for an answer",
        duration(secondsSince(stage.started_at, undefined, nowMs)),
        attempt,
      );
    case "completed":
    case "failed":
    case "skipped":
    case "cancelled":
      return parts(endOf(stage), tookOf(stage), artifactsOf(stage), attempt);
    default:
      return stage satisfies never;
  }
}

function endOf({ status, allow_failure }: Stage): string {
  return status === "failed" && allow_failure === true ? "failed, and may" : status;
}

function tookOf(stage: Stage): string {
  return stage.duration_seconds === undefined ? "" : duration(stage.duration_seconds);
}

function artifactsOf(stage: Stage): string {
  const count = stage.output_data.artifact_count ?? stage.output_data.artifacts.length;
  return count === 0 ? "" : plural(count, "artifact");
}

function bar(progress: number): string {
  const full = Math.round((progress / 100) * BAR);
  return "█".repeat(full) + "░".repeat(BAR - full);
}

/** What the stage has noted, such as `rows: 1200`. */
function notesOf({ notes = {} }: Stage): string | undefined {
  const texts = Object.entries(notes).map(
    ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return texts.length === 0 ? undefined : texts.join("  ");
}

function below(stage: Stage, { paint }: Frame, columns: number): string[] {
  const indent = "     ";
  const error = stage.error_message;
  if (
    error !== null &&
    (stage.status === "failed" || stage.status === "pending" || stage.status === "cancelled")
  )
    return [indent + paint.red(cut(escaped(error), columns))];
  const last = stage.status === "running" ? stage.logs?.at(-1) : undefined;
  return [notesOf(stage), last].flatMap((text) =>
    text === undefined ? [] : [indent + paint.dim(cut(escaped(text), columns))],
  );
}
