import { isStagefoldError } from "@stagefold/core";
import { LocalDynamoDBError } from "@stagefold/local-dynamodb";
import { PipelineError } from "@stagefold/pipeline";
import { EnvError } from "@stagefold/runtime";
import { ApiStartError } from "./server.ts";

/** What the one who started the process reads, and how it ends: 2 for what has to be written otherwise, else 1. */
export function explain(error: unknown): { sentence: string; exitCode: 1 | 2 } {
  if (error instanceof EnvError) return { sentence: error.message, exitCode: 2 };
  if (error instanceof PipelineError) return { sentence: error.message, exitCode: 2 };
  if (error instanceof ApiStartError)
    return { sentence: error.message, exitCode: error.code === "HOST_NOT_LOOPBACK" ? 2 : 1 };
  if (error instanceof LocalDynamoDBError || isStagefoldError(error))
    return { sentence: error.message, exitCode: 1 };
  return {
    sentence: `The API could not start: ${error instanceof Error ? error.stack : String(error)}`,
    exitCode: 1,
  };
}
