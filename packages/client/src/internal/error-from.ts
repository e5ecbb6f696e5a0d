import { TRPCClientError } from "@trpc/client";
import { ConnectionError, type ErrorCode, type ErrorData, StagefoldClientError } from "../errors.ts";

type Kind = "string" | "number" | "texts";
type Shapes = { readonly [C in ErrorCode]: { readonly [F in RequiredKeys<ErrorData[C]>]: Kind } };
type RequiredKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T];

/** What must come with each code for it to be believed. */
const SHAPES: Shapes = {
  INVALID_INPUT: {},
  UNAUTHENTICATED: {},
  FORBIDDEN: {},
  PROJECT_NOT_FOUND: { project_id: "string" },
  STAGE_NOT_FOUND: { stage: "string" },
  ARTIFACT_NOT_FOUND: { project_id: "string", path: "string" },
  PIPELINE_NOT_FOUND: { pipeline: "string" },
  PIPELINE_CHANGED: { pipeline: "string", expected: "texts", actual: "texts" },
  PROJECT_CONFLICT: { expected: "string", actual: "string" },
  STAGE_CONFLICT: { stage: "string", expected: "string", actual: "string" },
  LEASE_LOST: { project_id: "string" },
  SNAPSHOT_TOO_LARGE: { size: "number", limit: "number" },
  SNAPSHOT_UNREADABLE: { project_id: "string" },
  IDEMPOTENCY_MISMATCH: { project_id: "string" },
  PAYLOAD_TOO_LARGE: { limit: "number" },
  RATE_LIMITED: { retry_after: "number" },
  STORE_UNAVAILABLE: { retry_after: "number" },
  INTERNAL: {},
};

/** What a failed call throws: a StagefoldClientError when the API said why, else a ConnectionError. */
export function errorFrom(error: unknown, url: string): StagefoldClientError | ConnectionError {
  if (error instanceof StagefoldClientError || error instanceof ConnectionError) return error;
  if (error instanceof TRPCClientError) {
    const coded = refusalIn({ message: error.message, data: error.data }, error);
    if (coded) return coded;
    const answered = error.meta?.response !== undefined || error.shape != null;
    if (answered || error.cause instanceof SyntaxError) return notTheApi(url, error);
  }
  const reason = reasonOf(error);
  return new ConnectionError(
    url,
    `The Stagefold API at ${url} cannot be reached: ${reason}. Is it running there?`,
    {
      cause: error,
    },
  );
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

export function notTheApi(url: string, cause: unknown): ConnectionError {
  const message = `What answers at ${url} is not a Stagefold API (${reasonOf(cause)}). Is the address right?`;
  return new ConnectionError(url, message, { cause });
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
  return typeof code === "string" && Object.hasOwn(SHAPES, code);
}

function isDataOf<C extends ErrorCode>(code: C, data: unknown): data is ErrorData[C] {
  if (!isRecord(data)) return false;
  return Object.entries<Kind>(SHAPES[code]).every(([field, kind]) => is(kind, data[field]));
}

function is(kind: Kind, value: unknown): boolean {
  return kind === "texts"
    ? Array.isArray(value) && value.every((one) => typeof one === "string")
    : typeof value === kind;
}

export function isRecord(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
