import type { TokenUsage } from "./prices.ts";

/**
 * How a model's call fails, among the codes of a turn:
 * - `MODEL_UNAVAILABLE`: the provider cannot be reached, answers with an error, or its stream broke or ended unfinished;
 * - `MODEL_LIMIT`: the provider's rate or quota, the model's context, or the limit of output tokens is reached;
 * - `MODEL_REFUSED`: the model or the provider's filter declined;
 * - `OUTPUT_INVALID`: the answer does not fit the schema; `text` has it, for one repair by the caller;
 * - `AGENT_TIMEOUT`: the caller's time is over;
 * - `BUDGET_EXCEEDED`: `beforeCall` refused the next call;
 * - `STEP_LIMIT`: the model still wanted tools after the last step allowed;
 * - `AGENT_FAILED`: the same tool call failed three times.
 */
export type ModelErrorCode =
  | "MODEL_UNAVAILABLE"
  | "MODEL_LIMIT"
  | "MODEL_REFUSED"
  | "OUTPUT_INVALID"
  | "AGENT_TIMEOUT"
  | "BUDGET_EXCEEDED"
  | "STEP_LIMIT"
  | "AGENT_FAILED";

interface Details {
  readonly cause?: unknown;
  /** What the model had said. */
  readonly text?: string;
  /** What was wrong with it. */
  readonly issues?: readonly string[];
}

/** The message is ours and safe for readers; the provider's own words are in `cause`, for the operator's log alone. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly code: ModelErrorCode;
  readonly text: string | undefined;
  readonly issues: readonly string[];
  /** What the failed call, or the calls up to it, used as far as the provider said so. */
  usage: TokenUsage | undefined;
  cost_usd: number | null = null;

  constructor(code: ModelErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.text = details.text;
    this.issues = details.issues ?? [];
  }
}

const CONTEXT =
  /context[_ ]length|maximum context|prompt is too long|too many (?:input )?tokens|input is too long|exceeds? the (?:context|model)/i;
const QUOTA = /insufficient[_ ]quota|credit balance|quota/i;
const FILTER = /content[_ ](?:filter|policy|management)|responsible ?ai|safety|guardrail/i;
const RATE = /rate[_ ]limit|throttl|too many requests/i;

/** Unwraps what the SDK throws after its retries. */
function rootOf(error: unknown): unknown {
  if (typeof error === "object" && error !== null && "lastError" in error) return rootOf(error.lastError);
  return error;
}

function fieldOf(error: unknown, name: string): unknown {
  return typeof error === "object" && error !== null && name in error
    ? (error as Record<string, unknown>)[name]
    : undefined;
}

/** What the provider said, for recognising it; never shown. */
function wordsOf(error: unknown): string {
  const parts = [fieldOf(error, "message"), fieldOf(error, "responseBody"), fieldOf(error, "type")];
  return [typeof error === "string" ? error : "", ...parts.filter((part) => typeof part === "string")].join(
    " ",
  );
}

/** Maps what the SDK threw, or sent as an error part of a stream, to a ModelError with words of ours. */
export function modelErrorOf(thrown: unknown): ModelError {
  if (thrown instanceof ModelError) return thrown;
  const error = rootOf(thrown);
  if (error instanceof ModelError) return error;
  const words = wordsOf(error);
  const status = fieldOf(error, "statusCode");
  const details = { cause: error };
  if (typeof status !== "number") {
    // Errors in a stream have no status; an overloaded provider that says so there is unavailable.
    if (RATE.test(words)) return new ModelError("MODEL_LIMIT", RATE_MESSAGE, details);
    return new ModelError("MODEL_UNAVAILABLE", "The model's provider did not answer to the end.", details);
  }
  if (status === 413 || (status < 500 && CONTEXT.test(words)))
    return new ModelError("MODEL_LIMIT", "The conversation is longer than the model can take.", details);
  if (status === 429 || status === 402 || (status < 500 && QUOTA.test(words)))
    return new ModelError("MODEL_LIMIT", RATE_MESSAGE, details);
  if (status === 401 || status === 403)
    return new ModelError("MODEL_UNAVAILABLE", "The model's provider does not accept the key.", details);
  if (status === 404)
    return new ModelError("MODEL_UNAVAILABLE", "The provider does not know the model.", details);
  if (status < 500 && FILTER.test(words))
    return new ModelError("MODEL_REFUSED", "The model's provider declined the request.", details);
  return new ModelError("MODEL_UNAVAILABLE", `The model's provider answered with HTTP ${status}.`, details);
}

const RATE_MESSAGE = "A limit of the model's provider is reached; later it may answer again.";
