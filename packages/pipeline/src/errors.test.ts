import { expect, test } from "vitest";
import { isStageError, StageError } from "./errors.ts";

test("a StageError is one whichever copy of this package made it, and nothing else is", async () => {
  const path = "./errors.ts?copy";
  const copy: typeof import("./errors.ts") = await import(path);
  expect(copy.StageError).not.toBe(StageError);
  class Quota extends StageError {}
  for (const error of [new StageError("x"), new Quota("x"), new copy.StageError("x")])
    expect(isStageError(error)).toBe(true);
  const like = Object.assign(new Error("x"), { name: "StageError", code: "STAGE_FAILED", final: true });
  for (const other of [like, { message: "x" }, "x", null, undefined]) expect(isStageError(other)).toBe(false);
});
