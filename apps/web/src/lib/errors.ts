import { ConnectionError, type ErrorCode, StagefoldClientError } from "@stagefold/client";

/** Whether an error comes from the API, or from there being none. */
export function isApiError(error: unknown): error is StagefoldClientError | ConnectionError {
  return error instanceof StagefoldClientError || error instanceof ConnectionError;
}

/** The code of a refusal; undefined when the API did not answer at all. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof StagefoldClientError ? error.code : undefined;
}

/** What the API found wrong with an input: `path: sentence` each, and the fields themselves. */
export function issuesOf(error: unknown): readonly string[] {
  if (!(error instanceof StagefoldClientError) || error.code !== "INVALID_INPUT") return [];
  return error.data.issues ?? [];
}

/** Whether the same request may be answered later: the API is away, busy, or its table is. */
export function mayPass(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const code = codeOf(error);
  return code === "STORE_UNAVAILABLE" || code === "RATE_LIMITED";
}

/** `events.0: expected …`, by the field that it is about: the first sentence of each. */
export function issuesByField(issues: readonly string[]): Partial<Record<string, string>> {
  const found: Partial<Record<string, string>> = {};
  for (const issue of issues) {
    const [, field, sentence] = /^([a-z_]+)[^:]*: (.*)$/s.exec(issue) ?? [];
    if (field !== undefined && sentence !== undefined) found[field] ??= sentence;
  }
  return found;
}
