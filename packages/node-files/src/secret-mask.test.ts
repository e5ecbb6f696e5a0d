import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SecretMask } from "./secret-mask.ts";

const SECRET = `hunter2"\\ /ü+'&`;
const LINES = "-----BEGIN KEY-----\nMIIBOgIBAAJBAKj34GkxFhD9\nsecond line of it\n-----END KEY-----";

describe("a mask", () => {
  const mask = new SecretMask([SECRET, LINES]);

  it.each([
    ["as it is", SECRET],
    ["in JSON", JSON.stringify({ a: SECRET })],
    ["in the middle of a JSON text", JSON.stringify(`said ${SECRET}`)],
    ["in an address", `https://x/?q=${encodeURIComponent(SECRET)}`],
    ["in the shell", `'${SECRET.replaceAll("'", `'\\''`)}'`],
    ["in hex", Buffer.from(SECRET).toString("hex")],
    ["backwards", [...SECRET].reverse().join("")],
    ["one line of it", "key: MIIBOgIBAAJBAKj34GkxFhD9."],
    ["all lines in JSON", JSON.stringify(LINES)],
  ])("hides a secret %s", (_how, text) => {
    const masked = mask.text(text);
    expect(masked).toContain("***");
    for (const part of [SECRET, "hunter2", "2retnuh", "MIIBOg", "second line"])
      expect(masked).not.toContain(part);
  });

  it("hides a secret in base64 wherever it stands in what was encoded", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 9 }), (before, after) => {
        const text = Buffer.concat([before, Buffer.from(SECRET), after]);
        for (const encoding of ["base64", "base64url"] as const) {
          const masked = mask
            .text(text.toString(encoding))
            .split("***")
            .map((part) => Buffer.from(part, "base64"));
          expect(masked.some((part) => part.includes("unter2"))).toBe(false);
        }
      }),
    );
  });

  it("leaves nothing in base64 that depends on the secret: its last group, with a line end after it or any text", () => {
    const bytes = fc.uint8Array({ maxLength: 9 });
    const after = fc.oneof(
      fc.constantFrom("", "\n", "\r\n").map((end) => Buffer.from(end)),
      bytes,
    );
    fc.assert(
      fc.property(
        bytes,
        after,
        fc.constantFrom("token-12345678", "token-123456789", SECRET),
        (b, a, secret) => {
          const text = Buffer.concat([b, Buffer.from(secret), a]).toString("base64");
          const [left = "", right = "", ...more] = new SecretMask([secret]).text(text).split("***");
          expect(more).toEqual([]);
          expect(left.length).toBeLessThanOrEqual(Math.floor((b.length * 8) / 6));
          expect(right.replace(/=+$/, "").length).toBeLessThanOrEqual(Math.ceil((a.length * 8) / 6));
        },
      ),
    );
    const masked = new SecretMask(["token-12345678"]);
    // The K is the line's end alone.
    expect(masked.text("got dG9rZW4tMTIzNDU2NzgK.")).toBe("got ***K.");
    expect(masked.text("got dG9rZW4tMTIzNDU2Nzg=.")).toBe("got ***.");
    // Not before the character is there that has the secret's last bits.
    expect(masked.heldFrom("got dG9rZW4tMTIzNDU2Nz")).toBe(4);
    expect(masked.heldFrom("got dG9rZW4tMTIzNDU2NzgK")).toBe(24);
  });

  it("hides it in names and values of any depth, and leaves the rest", () => {
    const value = { [SECRET]: [{ a: `x${SECRET}` }, 1, null, true], plain: "text" };
    expect(mask.value(value)).toEqual({ "***": [{ a: "x***" }, 1, null, true], plain: "text" });
    expect(new SecretMask(["12345678"]).value({ n: 12345678, m: 1 })).toEqual({ n: "***", m: 1 });
  });

  it("knows where a secret may begin", () => {
    expect(mask.heldFrom("says hunt")).toBe(5);
    expect(mask.heldFrom("says hunting")).toBe(12);
    expect(new SecretMask([]).heldFrom("anything")).toBe(8);
  });
});
