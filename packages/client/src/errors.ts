/** The closed list of the API's errors; the code fixes what comes with it. */
export interface ErrorData {
  /** `issues` names the fields at fault. */
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
  IDEMPOTENCY_MISMATCH: { project_id: string };
  /** Bytes. */
  PAYLOAD_TOO_LARGE: { limit: number };
  /** Seconds. */
  RATE_LIMITED: { retry_after: number };
  /** Seconds. */
  STORE_UNAVAILABLE: { retry_after: number };
  INTERNAL: Record<never, never>;
}

export type ErrorCode = keyof ErrorData;

class CodedError<C extends ErrorCode> extends Error {
  override readonly name = "StagefoldClientError";
  readonly code: C;
  readonly data: ErrorData[C];

  constructor(code: C, message: string, data: ErrorData[C], options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.data = data;
  }
}

/**
 * A refusal of the API. `code` tells which, and narrows `data`:
 * after `error.code === "PROJECT_CONFLICT"`, `error.data.expected` is known.
 */
export type StagefoldClientError<C extends ErrorCode = ErrorCode> = { [K in C]: CodedError<K> }[C];

export const StagefoldClientError: {
  new <C extends ErrorCode>(
    code: C,
    message: string,
    data: ErrorData[C],
    options?: { cause?: unknown },
  ): StagefoldClientError<C>;
  /** What `instanceof` narrows to. */
  readonly prototype: StagefoldClientError;
} = CodedError;

/** No answer, or one that no Stagefold API gives: the network, the address, or something else at that address. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** The address that was tried. */
  readonly url: string;

  constructor(url: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.url = url;
  }
}
