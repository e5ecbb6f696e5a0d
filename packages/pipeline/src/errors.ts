/** Where in a pipeline's definition a mistake is, and what is wrong with it. */
export interface PipelineMistake {
  /** The file that was read; absent for a pipeline defined in code. */
  readonly file?: string;
  /** 1-based line of a YAML file. */
  readonly line?: number;
  readonly pipeline?: string;
  /** Key of the stage, or its 1-based position as `#2` where it has no usable key. */
  readonly stage?: string;
  /** Such as `retry.attempts`. */
  readonly field?: string;
  readonly expected?: string;
  readonly found?: string;
}

/** A pipeline that cannot be defined or loaded. The message is a sentence that names file, line, stage and field. */
export class PipelineError extends Error {
  readonly code = "INVALID_PIPELINE";
  readonly mistake: PipelineMistake;

  constructor(message: string, mistake: PipelineMistake = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = "PipelineError";
    this.mistake = mistake;
  }
}

/** By its code: a module that finds a copy of this package beside itself throws errors of that copy. */
export function isPipelineError(value: unknown): value is PipelineError {
  return value instanceof Error && "code" in value && value.code === "INVALID_PIPELINE";
}

export interface StageErrorOptions extends ErrorOptions {
  /** What history and the retry policy's `final_codes` see; `STAGE_FAILED` where absent. */
  readonly code?: string;
  /** No further attempt, whatever the retry policy says. */
  readonly final?: boolean;
  /** When the next attempt is due, instead of the policy's backoff. Seconds from now, 0 or more. */
  readonly retry_in_seconds?: number;
}

/** The same in every copy of this package. */
const BRAND = Symbol.for("@stagefold/pipeline StageError");

/** Also of another copy of this package, such as one that a module of a pipeline finds beside itself. */
export function isStageError(error: unknown): error is StageError {
  return error instanceof Error && BRAND in error;
}

/** What a stage throws to say that its failure is final, or when to try again. Any other error is retried by policy. */
export class StageError extends Error {
  readonly [BRAND] = true;
  readonly code: string;
  readonly final: boolean;
  readonly retry_in_seconds?: number;

  constructor(message: string, options: StageErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "StageError";
    this.code = options.code ?? "STAGE_FAILED";
    this.final = options.final ?? false;
    if (options.retry_in_seconds !== undefined) this.retry_in_seconds = options.retry_in_seconds;
  }
}
