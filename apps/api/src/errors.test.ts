import { ERROR_CODES, StagefoldError } from "@stagefold/core";
import { TRPCError } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { errorShapeOf, TRPC_CODES } from "./errors.ts";

describe("errors on the wire", () => {
  it("keep code and data of every typed error, under a status that is not 500 but for INTERNAL", () => {
    for (const code of ERROR_CODES) {
      const shape = errorShapeOf(new StagefoldError(code, "why", { retry_after: 3 }));
      expect(shape.data.code).toBe(TRPC_CODES[code]);
      expect(shape.data.stagefold).toEqual({ code, retry_after: 3 });
      expect(shape.data.httpStatus === 500).toBe(code === "INTERNAL");
    }
  });

  it("say nothing of what happened inside", () => {
    const secret = new Error("ENOSPC: no space left on device, open '/var/secret'");
    const errors = [
      secret,
      "a string",
      new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: secret.message, cause: secret }),
      new StagefoldError("INTERNAL", secret.message, {}, { cause: secret }),
      new StagefoldError("STORE_UNAVAILABLE", secret.message, { retry_after: 1 }, { cause: secret }),
    ];
    for (const error of errors)
      expect(JSON.stringify(errorShapeOf(error))).not.toMatch(/secret|ENOSPC|stack/);
    expect(errorShapeOf(secret).data.stagefold).toEqual({ code: "INTERNAL" });
  });

  it("give what the framework refuses a code of the list", () => {
    const cases = [
      ["PARSE_ERROR", "INVALID_INPUT"],
      ["NOT_FOUND", "INVALID_INPUT"],
      ["METHOD_NOT_SUPPORTED", "INVALID_INPUT"],
      ["UNSUPPORTED_MEDIA_TYPE", "INVALID_INPUT"],
      ["PAYLOAD_TOO_LARGE", "PAYLOAD_TOO_LARGE"],
    ] as const;
    for (const [code, expected] of cases) {
      const { data } = errorShapeOf(new TRPCError({ code, message: "why" }));
      expect([data.code, data.stagefold.code]).toEqual([code, expected]);
    }
  });
});
