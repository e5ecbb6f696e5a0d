import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { isStageError } from "@stagefold/pipeline";
import type { StageFailure } from "../protocol.ts";

/** What the worker is told of an error that a stage threw. */
export function failureOf(error: unknown): StageFailure {
  if (isStageError(error))
    return {
      message: error.message,
      code: error.code,
      final: error.final,
      ...(isDelay(error.retry_in_seconds) && { retry_in_seconds: error.retry_in_seconds }),
    };
  return { message: messageOf(error), code: "STAGE_FAILED" };
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return `The stage threw ${inspect(error, { depth: 1 })} instead of an error.`;
}

function isDelay(seconds: number | undefined): seconds is number {
  return seconds !== undefined && seconds >= 0 && Number.isFinite(seconds);
}

/** This installation: the workspace, whose workspaces `apps` and `packages` are what runs stages. */
const INSTALLATION = fileURLToPath(new URL("../../../../../", import.meta.url));
const OWN_FRAME = new RegExp(
  `^\\s+at .*(node:|node_modules/|${escaped(`${INSTALLATION}apps/`)}|${escaped(`${INSTALLATION}packages/`)})`,
);

/**
 * What a stage's log says of an error that ended it: a StageError is a sentence that was meant to be read; any other
 * error comes with its causes and the stage's own lines of its stack, not with those of what runs it. Paths below
 * `folder` are written from there.
 */
export function details(error: unknown, folder?: string): string {
  if (isStageError(error))
    return error.cause === undefined
      ? error.message
      : `${error.message}\nCaused by: ${text(error.cause, folder)}`;
  return text(error, folder);
}

function text(error: unknown, folder: string | undefined): string {
  const lines = inspect(error, { depth: 4 })
    .split("\n")
    .filter((line) => !OWN_FRAME.test(line))
    .join("\n");
  const below = folder === undefined ? lines : lines.replaceAll(`${folder}/`, "");
  return below.replaceAll(INSTALLATION, "");
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
