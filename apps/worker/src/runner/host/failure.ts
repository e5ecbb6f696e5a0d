import { inspect } from "node:util";
import { StageError } from "@stagefold/pipeline";
import type { StageFailure } from "../protocol.ts";

/** What the worker is told of an error that a stage threw. */
export function failureOf(error: unknown): StageFailure {
  if (error instanceof StageError)
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

/** The error with its stack and causes, for the log. */
export function details(error: unknown): string {
  return inspect(error, { depth: 4 });
}
