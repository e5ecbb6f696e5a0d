import { isStagefoldError, type StagefoldError } from "@stagefold/core";
import { toStagefoldError } from "../src/errors.ts";

/** The typed error that a call is refused with; a call that succeeds, or fails inside, fails the test. */
export async function refusal(call: Promise<unknown>): Promise<StagefoldError> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (thrown) {
    const error = toStagefoldError(thrown);
    if (isStagefoldError(error, "INTERNAL")) throw thrown;
    return error;
  }
  throw new Error(`expected a refusal, got ${JSON.stringify(answer)}`);
}
