import type { WireError } from "./api.ts";

/** The closed list of the API's errors. */
export type ErrorCode = WireError["code"];

/** What comes with each code. */
export type ErrorData = { [C in ErrorCode]: Omit<Extract<WireError, { code: C }>, "code"> };

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

type Kind = "string" | "number" | "strings";
type RequiredKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T];

/** What must come with each code for it to be believed. */
const REQUIRED: { readonly [C in ErrorCode]: { readonly [F in RequiredKeys<ErrorData[C]>]: Kind } } = {
  INVALID_INPUT: {},
  UNAUTHENTICATED: {},
  FORBIDDEN: {},
  PROJECT_NOT_FOUND: { project_id: "string" },
  STAGE_NOT_FOUND: { stage: "string" },
  ARTIFACT_NOT_FOUND: { project_id: "string", path: "string" },
  PIPELINE_NOT_FOUND: { pipeline: "string" },
  PIPELINE_CHANGED: { pipeline: "string", expected: "strings", actual: "strings" },
  PROJECT_CONFLICT: { expected: "string", actual: "string" },
  STAGE_CONFLICT: { stage: "string", expected: "string", actual: "string" },
  LEASE_LOST: { project_id: "string" },
  SNAPSHOT_TOO_LARGE: { size: "number", limit: "number" },
  SNAPSHOT_UNREADABLE: { project_id: "string" },
  IDEMPOTENCY_MISMATCH: {},
  AGENT_NOT_FOUND: { agent_id: "string" },
  AGENT_DISABLED: { agent_id: "string" },
  AGENT_IN_USE: { agent_id: "string", project_id: "string" },
  SESSION_NOT_FOUND: { session_id: "string" },
  SESSION_BUSY: { session_id: "string", turn: "number" },
  SESSION_CONFLICT: { expected: "string", actual: "string" },
  TURN_NOT_FOUND: {},
  MODEL_NOT_CONFIGURED: { model: "string" },
  SCHEDULE_NOT_FOUND: { schedule_id: "string" },
  WEBHOOK_NOT_FOUND: { webhook_id: "string" },
  PAYLOAD_TOO_LARGE: { limit: "number" },
  RATE_LIMITED: { retry_after: "number" },
  STORE_UNAVAILABLE: { retry_after: "number" },
  INTERNAL: {},
};

/** What a failed call throws: a StagefoldClientError when the API said why, else a ConnectionError. */
export function errorFrom(error: unknown, url: string): StagefoldClientError | ConnectionError {
  if (error instanceof StagefoldClientError || error instanceof ConnectionError) return error;
  const message = `The Stagefold API at ${url} cannot be reached: ${reasonOf(error)}. Is it running there?`;
  return new ConnectionError(url, message, { cause: error });
}

/** The refusal in an error as it is on the wire: `{ message, data: { stagefold: { code, … } } }`. */
export function refusalIn(error: unknown, cause?: unknown): StagefoldClientError | undefined {
  if (!isRecord(error) || !isRecord(error.data) || !isRecord(error.data.stagefold)) return undefined;
  const { code, ...data } = error.data.stagefold;
  const message = typeof error.message === "string" ? error.message : String(code);
  return isCode(code) && isDataOf(code, data)
    ? new StagefoldClientError(code, message, data, { cause })
    : undefined;
}

/** What an answer that is not OK means; its body is read. */
export async function refusalOf(response: Response, url: string): Promise<Error> {
  const answer = await jsonOf(response);
  const refusal = isRecord(answer) ? refusalIn(answer.error) : undefined;
  return refusal ?? notTheApi(url, `HTTP ${response.status}`);
}

/** Undefined when the body is not JSON: then it is no answer of the API. */
export async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function notTheApi(url: string, cause: unknown): ConnectionError {
  const message = `What answers at ${url} is not a Stagefold API (${reasonOf(cause)}). Is the address right?`;
  return new ConnectionError(url, message, { cause });
}

/** Whether `fetch` says that the other side ended the connection, as Node's does by a code; browsers ask again by themselves. */
export function wasCut(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return isRecord(cause) && ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(String(cause.code));
}

/** The innermost cause says most: `fetch failed` alone does not tell why. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error instanceof Error && error.cause !== undefined) return reasonOf(error.cause);
  if (error instanceof Error) return error.message || error.name;
  if (isRecord(error) && typeof error.message === "string") return error.message;
  return typeof error === "string" ? error : "no answer";
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(REQUIRED, code);
}

function isDataOf<C extends ErrorCode>(code: C, data: unknown): data is ErrorData[C] {
  if (!isRecord(data)) return false;
  return Object.entries<Kind>(REQUIRED[code]).every(([field, kind]) => isKind(kind, data[field]));
}

function isKind(kind: Kind, value: unknown): boolean {
  return kind === "strings"
    ? Array.isArray(value) && value.every((one) => typeof one === "string")
    : typeof value === kind;
}

export function isRecord(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
