import { ERROR_CODES, type ErrorCode, type ErrorData, StagefoldError } from "@stagefold/core";
import { TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import {
  type TRPC_ERROR_CODE_KEY,
  type TRPC_ERROR_CODE_NUMBER,
  TRPC_ERROR_CODES_BY_KEY,
} from "@trpc/server/rpc";
import { z } from "zod";

/** What `data.stagefold` of an error on the wire is: the code, and what belongs to it. */
export type WireError = { [C in ErrorCode]: { code: C } & ErrorData[C] }[ErrorCode];

/** An error as every route answers it, under `error`. */
export interface ErrorShape {
  message: string;
  code: TRPC_ERROR_CODE_NUMBER;
  data: { code: TRPC_ERROR_CODE_KEY; httpStatus: number; path?: string; stagefold: WireError };
}

/** The one place where our codes become codes of the wire; the HTTP status follows from those. */
export const TRPC_CODES = {
  INVALID_INPUT: "BAD_REQUEST",
  UNAUTHENTICATED: "UNAUTHORIZED",
  FORBIDDEN: "FORBIDDEN",
  PROJECT_NOT_FOUND: "NOT_FOUND",
  STAGE_NOT_FOUND: "NOT_FOUND",
  ARTIFACT_NOT_FOUND: "NOT_FOUND",
  PIPELINE_NOT_FOUND: "NOT_FOUND",
  PIPELINE_CHANGED: "CONFLICT",
  PROJECT_CONFLICT: "CONFLICT",
  STAGE_CONFLICT: "CONFLICT",
  LEASE_LOST: "CONFLICT",
  SNAPSHOT_TOO_LARGE: "PAYLOAD_TOO_LARGE",
  SNAPSHOT_UNREADABLE: "UNPROCESSABLE_CONTENT",
  IDEMPOTENCY_MISMATCH: "CONFLICT",
  AGENT_NOT_FOUND: "NOT_FOUND",
  AGENT_DISABLED: "CONFLICT",
  AGENT_IN_USE: "CONFLICT",
  SESSION_NOT_FOUND: "NOT_FOUND",
  SESSION_BUSY: "CONFLICT",
  SESSION_CONFLICT: "CONFLICT",
  TURN_NOT_FOUND: "NOT_FOUND",
  MODEL_NOT_CONFIGURED: "PRECONDITION_FAILED",
  SCHEDULE_NOT_FOUND: "NOT_FOUND",
  WEBHOOK_NOT_FOUND: "NOT_FOUND",
  PAYLOAD_TOO_LARGE: "PAYLOAD_TOO_LARGE",
  RATE_LIMITED: "TOO_MANY_REQUESTS",
  STORE_UNAVAILABLE: "SERVICE_UNAVAILABLE",
  INTERNAL: "INTERNAL_SERVER_ERROR",
} as const satisfies Record<ErrorCode, TRPC_ERROR_CODE_KEY>;

/** Bytes of a request's body. */
export const MAX_BODY_BYTES = 1024 * 1024;
/** Calls in one request. */
export const MAX_BATCH = 20;

const MAX_MESSAGE = 1000;
const MAX_PATH = 200;
/** Texts of these codes may come from a disk, an SDK or a bug: callers get a sentence of ours instead. */
const INTERNAL_MESSAGE = "The server met an unexpected error; its log says more.";

/** Any error as one of the closed list. What is not known to be the caller's business becomes INTERNAL. */
export function toStagefoldError(error: unknown): StagefoldError {
  if (error instanceof StagefoldError) return error;
  if (error instanceof z.ZodError) return invalidInputOf(error);
  if (!(error instanceof TRPCError)) return internal(error);
  if (error.cause instanceof StagefoldError) return error.cause;
  if (error.cause instanceof z.ZodError && error.code === "BAD_REQUEST") return invalidInputOf(error.cause);
  switch (error.code) {
    case "PAYLOAD_TOO_LARGE":
      return new StagefoldError(
        "PAYLOAD_TOO_LARGE",
        `A request may have ${MAX_BODY_BYTES} bytes.`,
        { limit: MAX_BODY_BYTES },
        { cause: error },
      );
    case "INTERNAL_SERVER_ERROR":
    case "NOT_IMPLEMENTED":
    case "BAD_GATEWAY":
    case "SERVICE_UNAVAILABLE":
    case "GATEWAY_TIMEOUT":
      return internal(error);
    default:
      return new StagefoldError("INVALID_INPUT", requestMessage(error), {}, { cause: error });
  }
}

/** The same error for the wire's framework, under the code that the map gives it. */
export function toTRPCError(error: unknown): TRPCError {
  if (error instanceof TRPCError && !(error.cause instanceof StagefoldError)) return error;
  const known = toStagefoldError(error);
  return new TRPCError({ code: TRPC_CODES[known.code], message: publicMessage(known), cause: known });
}

/** What a caller gets to see of an error; `path` names the procedure. */
export function errorShapeOf(error: unknown, path?: string): ErrorShape {
  const known = toStagefoldError(error);
  // An error from inside a stream has not been converted on its way here.
  const wire = toTRPCError(error);
  return {
    message: publicMessage(known),
    code: TRPC_ERROR_CODES_BY_KEY[wire.code],
    data: {
      code: wire.code,
      httpStatus: getHTTPStatusCodeFromError(wire),
      ...(path !== undefined && { path: path.slice(0, MAX_PATH) }),
      stagefold: wireErrorOf(known),
    },
  };
}

/** What a caller may read of an error. */
function publicMessage(error: StagefoldError): string {
  switch (error.code) {
    case "INTERNAL":
      return INTERNAL_MESSAGE;
    case "STORE_UNAVAILABLE":
      return "The store cannot do this at present; try again shortly.";
    default:
      return error.message.slice(0, MAX_MESSAGE);
  }
}

/** `data.stagefold` of an error: its code, and the fields that the code fixes. */
function wireErrorOf(error: StagefoldError): WireError {
  const wire = { ...error.data, code: error.code };
  return isWireError(wire) ? wire : { code: "INTERNAL" };
}

/** A StagefoldError's code fixes its data, so knowing the code is knowing the rest. */
function isWireError(value: { code: ErrorCode }): value is WireError {
  return ERROR_CODES.includes(value.code);
}

function internal(error: unknown): StagefoldError<"INTERNAL"> {
  return new StagefoldError("INTERNAL", INTERNAL_MESSAGE, {}, { cause: error });
}

/** Of a value that may have several forms: what keeps it from the one that it comes closest to. */
function closestIssues(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const depth = (issues: readonly z.core.$ZodIssue[]) => Math.max(...issues.map(({ path }) => path.length));
  const closest = issue.errors.reduce((best, other) => (depth(other) > depth(best) ? other : best));
  return closest.flatMap((one) => closestIssues({ ...one, path: [...issue.path, ...one.path] }));
}

function invalidInputOf(error: z.ZodError): StagefoldError<"INVALID_INPUT"> {
  const issues = error.issues
    .flatMap(closestIssues)
    .slice(0, 20)
    .map((issue) => {
      const field = issue.path.map(String).join(".");
      return `${(field === "" ? "input" : field).slice(0, 200)}: ${issue.message.slice(0, 300)}`;
    });
  return new StagefoldError(
    "INVALID_INPUT",
    `The input is not valid: ${issues[0]}`,
    { issues },
    { cause: error },
  );
}

/** tRPC says what was wrong with a request, except for JSON, where it passes on what the parser said. */
function requestMessage(error: TRPCError): string {
  if (error.cause instanceof SyntaxError) return "The input is not valid JSON.";
  return error.message;
}
