import type { AppRouter } from "@stagefold/api/router";
import { TRPCClientError } from "@trpc/client";

export type ApiError = TRPCClientError<AppRouter>;
/** Every code that the API answers with. */
export type WireCode = NonNullable<ApiError["data"]>["stagefold"]["code"];

export function isApiError(error: unknown): error is ApiError {
  return error instanceof TRPCClientError;
}

/** The code of a refusal; undefined when the API did not answer at all. */
export function codeOf(error: unknown): WireCode | undefined {
  return isApiError(error) ? error.data?.stagefold.code : undefined;
}

/** What the API found wrong with an input: `path: sentence` each, and the fields themselves. */
export function issuesOf(error: unknown): readonly string[] {
  const known = isApiError(error) ? error.data?.stagefold : undefined;
  return known?.code === "INVALID_INPUT" ? (known.issues ?? []) : [];
}

/** Whether the same request may be answered later: the API is away, busy, or its table is. */
export function mayPass(error: unknown): boolean {
  if (!isApiError(error)) return false;
  const code = codeOf(error);
  return code === undefined || code === "STORE_UNAVAILABLE" || code === "RATE_LIMITED";
}
