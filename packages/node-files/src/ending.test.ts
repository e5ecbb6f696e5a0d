import { expect, test } from "vitest";
import { endingFields, endingText } from "./ending.ts";

test.each([
  [{ code: 1, signal: null }, "exited with 1", { exit_code: 1 }],
  [{ code: 127, signal: null }, "exited with 127: command not found", { exit_code: 127 }],
  [{ code: 126, signal: null }, "exited with 126: what it names cannot be run", { exit_code: 126 }],
  [
    { code: 137, signal: null },
    "exited with 137: killed (SIGKILL), often for want of memory",
    { exit_code: 137, signal: "SIGKILL" },
  ],
  [
    { code: null, signal: "SIGKILL" },
    "was killed (SIGKILL), often for want of memory",
    { signal: "SIGKILL" },
  ],
  [{ code: null, signal: "SIGUSR1" }, "was killed (SIGUSR1)", { signal: "SIGUSR1" }],
  [{ code: 200, signal: null }, "exited with 200", { exit_code: 200 }],
  [{ code: null, signal: null }, "ended in a way that the system does not tell", {}],
])("%j", (exit, text, fields) => {
  expect(endingText(exit)).toBe(text);
  expect(endingFields(exit)).toEqual(fields);
});
