import { isRecord, notTheApi } from "./errors.ts";
import type { CallOptions } from "./options.ts";
import type { Transport } from "./transport.ts";

interface AskedAbout {
  project_name: string;
  stage: string;
  stage_name: string;
}

/** What the bearer of an answer link sees: the question, or what came of it. */
export type LinkedQuestion = AskedAbout &
  (
    | {
        state: "open";
        question: string;
        /** JSON Schema that an answer must fit. */
        answer_schema?: Record<string, unknown>;
        /** An answer without these values fails the build. */
        accept?: Record<string, string | number | boolean>;
        since: string;
        expires_at?: string;
        on_timeout: "fail" | "skip" | { answer?: unknown };
      }
    /** `own`: through this link. */
    | { state: "answered"; at: string; by?: string; own: boolean }
    /** The link's time is over, or the build was cancelled or asks anew. */
    | { state: "over" }
  );

/** The two requests of an answer link; the token is what follows the `#` of its address. Errors: UNAUTHENTICATED. */
export function answerLinks(transport: Transport) {
  const post = async (route: string, body: object, options?: CallOptions): Promise<LinkedQuestion> => {
    const request = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    };
    const answer = await transport.json(await transport.send(route, request, options), options);
    if (isQuestion(answer)) return answer;
    throw notTheApi(transport.url, "expected a question, found something else");
  };
  return {
    question: (token: string, options?: CallOptions) => post("/answer/question", { token }, options),
    /** The same answer again is harmless. Errors: also STAGE_CONFLICT, which says who answered; INVALID_INPUT. */
    answer: (token: string, value: unknown, options?: CallOptions) =>
      post("/answer", { token, value }, options),
  };
}

function isQuestion(value: unknown): value is LinkedQuestion {
  return isRecord(value) && ["open", "answered", "over"].includes(String(value.state));
}
