/**
 * The closed list of errors that a caller can meet. The code fixes the shape of `data`;
 * errors are told apart by `code`, never by class name or message.
 */
export interface ErrorData {
  /** `issues` names the fields at fault, e.g. `["requirement: expected string, found number"]`. */
  INVALID_INPUT: { issues?: string[] };
  UNAUTHENTICATED: Record<never, never>;
  FORBIDDEN: Record<never, never>;
  PROJECT_NOT_FOUND: { project_id: string };
  STAGE_NOT_FOUND: { project_id?: string; stage: string };
  ARTIFACT_NOT_FOUND: { project_id: string; path: string };
  PIPELINE_NOT_FOUND: { pipeline: string };
  PIPELINE_CHANGED: { pipeline: string; expected: string[]; actual: string[] };
  PROJECT_CONFLICT: { expected: string; actual: string };
  STAGE_CONFLICT: { stage: string; expected: string; actual: string };
  LEASE_LOST: { project_id: string };
  /** Bytes. */
  SNAPSHOT_TOO_LARGE: { size: number; limit: number };
  SNAPSHOT_UNREADABLE: { project_id: string };
  /** Names what was made under the key. */
  IDEMPOTENCY_MISMATCH: { project_id?: string; session_id?: string; invocation_id?: string };
  AGENT_NOT_FOUND: { agent_id: string };
  AGENT_DISABLED: { agent_id: string };
  /** A version of the agent needs the project's files. */
  AGENT_IN_USE: { agent_id: string; project_id: string };
  SESSION_NOT_FOUND: { session_id: string };
  /** `turn` is running. */
  SESSION_BUSY: { session_id: string; turn: number };
  SESSION_CONFLICT: { expected: string; actual: string };
  /** A number of a session, or the id of an invocation. */
  TURN_NOT_FOUND: { session_id?: string; turn?: number; invocation_id?: string };
  MODEL_NOT_CONFIGURED: { model: string };
  SCHEDULE_NOT_FOUND: { schedule_id: string };
  /** Or an event that was not sent to it. */
  WEBHOOK_NOT_FOUND: { webhook_id: string };
  /** Bytes. */
  PAYLOAD_TOO_LARGE: { limit: number };
  /** Seconds. */
  RATE_LIMITED: { retry_after: number };
  /** Seconds. */
  STORE_UNAVAILABLE: { retry_after: number };
  INTERNAL: Record<never, never>;
}

export type ErrorCode = keyof ErrorData;

export const ERROR_CODES = [
  "INVALID_INPUT",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "PROJECT_NOT_FOUND",
  "STAGE_NOT_FOUND",
  "ARTIFACT_NOT_FOUND",
  "PIPELINE_NOT_FOUND",
  "PIPELINE_CHANGED",
  "PROJECT_CONFLICT",
  "STAGE_CONFLICT",
  "LEASE_LOST",
  "SNAPSHOT_TOO_LARGE",
  "SNAPSHOT_UNREADABLE",
  "IDEMPOTENCY_MISMATCH",
  "AGENT_NOT_FOUND",
  "AGENT_DISABLED",
  "AGENT_IN_USE",
  "SESSION_NOT_FOUND",
  "SESSION_BUSY",
  "SESSION_CONFLICT",
  "TURN_NOT_FOUND",
  "MODEL_NOT_CONFIGURED",
  "SCHEDULE_NOT_FOUND",
  "WEBHOOK_NOT_FOUND",
  "PAYLOAD_TOO_LARGE",
  "RATE_LIMITED",
  "STORE_UNAVAILABLE",
  "INTERNAL",
] as const satisfies readonly ErrorCode[];

export class StagefoldError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly data: ErrorData[C];

  constructor(code: C, message: string, data: ErrorData[C], options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StagefoldError";
    this.code = code;
    this.data = data;
  }
}

/** True for a StagefoldError, and for one with this code when a code is given. */
export function isStagefoldError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is StagefoldError<C> {
  return error instanceof StagefoldError && (code === undefined || error.code === code);
}

/** A document that an item names is missing or damaged. Retrying helps only once it has been restored. */
export class DamagedDocumentError extends StagefoldError<"STORE_UNAVAILABLE"> {
  constructor(projectId: string, name: string, cause?: unknown) {
    const message = `The document ${name} of ${projectId} is missing or damaged.`;
    super("STORE_UNAVAILABLE", message, { retry_after: 5 }, { cause });
  }
}

/**
 * What an error concerns. Loops over many projects (claims, lists, statistics, reconciler, import, watches) ask this one
 * question: `project`: put that one aside and continue with the next; `store`: stop, back off, try all of it again;
 * `worker`: this process cannot work (no memory, descriptors or disk): it backs off, and no project is to blame.
 */
export type ErrorScope = "project" | "store" | "worker";

export function scopeOf(error: unknown): ErrorScope {
  if (error instanceof DamagedDocumentError) return "project";
  if (isStagefoldError(error)) return SCOPES[error.code];
  // What the operating system refused, such as EMFILE, ENOMEM and ENOSPC. Stores map their own to STORE_UNAVAILABLE.
  return error instanceof Error && "syscall" in error ? "worker" : "project";
}

const SCOPES = {
  INVALID_INPUT: "project",
  UNAUTHENTICATED: "store",
  FORBIDDEN: "store",
  PROJECT_NOT_FOUND: "project",
  STAGE_NOT_FOUND: "project",
  ARTIFACT_NOT_FOUND: "project",
  PIPELINE_NOT_FOUND: "project",
  PIPELINE_CHANGED: "project",
  PROJECT_CONFLICT: "project",
  STAGE_CONFLICT: "project",
  LEASE_LOST: "project",
  SNAPSHOT_TOO_LARGE: "project",
  SNAPSHOT_UNREADABLE: "project",
  IDEMPOTENCY_MISMATCH: "project",
  AGENT_NOT_FOUND: "project",
  AGENT_DISABLED: "project",
  AGENT_IN_USE: "project",
  SESSION_NOT_FOUND: "project",
  SESSION_BUSY: "project",
  SESSION_CONFLICT: "project",
  TURN_NOT_FOUND: "project",
  MODEL_NOT_CONFIGURED: "project",
  SCHEDULE_NOT_FOUND: "project",
  WEBHOOK_NOT_FOUND: "project",
  PAYLOAD_TOO_LARGE: "project",
  RATE_LIMITED: "store",
  STORE_UNAVAILABLE: "store",
  INTERNAL: "project",
} as const satisfies Record<ErrorCode, ErrorScope>;

/** The answer to input that no schema caught. */
export function invalidInput(message: string, issues: string[] = []): StagefoldError<"INVALID_INPUT"> {
  return new StagefoldError("INVALID_INPUT", message, issues.length > 0 ? { issues } : {});
}

/** Why a stage failed: another closed list, stored in `error_info.code` and `history[].code`. */
export const FAILURE_CODES = [
  "STAGE_FAILED",
  "STAGE_TIMEOUT",
  "STAGE_STALLED",
  "WORKER_LOST",
  "OUTPUT_INVALID",
  "PIPELINE_CHANGED",
  "ITEM_FULL",
  "BUDGET_EXCEEDED",
  "GATE_EXPIRED",
  "GATE_REFUSED",
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** Why a turn failed or was interrupted: stored in its `error.code`. */
export const TURN_ERROR_CODES = [
  "AGENT_FAILED",
  "AGENT_TIMEOUT",
  "MODEL_UNAVAILABLE",
  "MODEL_REFUSED",
  "MODEL_LIMIT",
  "STEP_LIMIT",
  "OUTPUT_INVALID",
  "RUNNER_LOST",
  "BUDGET_EXCEEDED",
] as const;

export type TurnErrorCode = (typeof TURN_ERROR_CODES)[number];
