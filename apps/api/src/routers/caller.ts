import { textSchema } from "@stagefold/core";
import type { Principal } from "../auth/principal.ts";

/** Which way in a question came, such as `web` or `cli`. */
export const callerSchema = textSchema(64, 1).optional();

/** As a turn records it: what the caller says, else the key or user that asks. */
export function callerOf(principal: Principal, given: string | undefined): string {
  return given ?? (principal.kind === "key" ? principal.id : "api");
}
