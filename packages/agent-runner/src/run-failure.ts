import type { TurnErrorCode } from "@stagefold/core";

/** How an answer failed; the message is for people. */
export class RunFailure extends Error {
  override readonly name = "RunFailure";
  readonly code: TurnErrorCode;

  constructor(code: TurnErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
