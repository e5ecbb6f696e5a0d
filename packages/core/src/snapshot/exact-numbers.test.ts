import { describe, expect, it } from "vitest";
import { requireExactNumbers } from "./exact-numbers.ts";

const refused = (json: string) => expect(() => requireExactNumbers(json)).toThrow("send it as text");

describe("O5: numbers that JSON would change", () => {
  it.each([
    "12345678901234567890",
    "-9223372036854775807",
    "9007199254740993",
    "1e400",
    `1${"0".repeat(400)}`,
  ])("%s is refused, wherever it is", (number) => {
    for (const json of [number, `{"a":[1,{"b":${number}}]}`, `["12",${number}]`, `{"a\\"":${number}}`])
      refused(json);
  });

  it.each([
    "9007199254740992",
    "-9007199254740991",
    "1e21",
    "1e300",
    "0.1234567890123456789",
    "12345678901234567000",
  ])("%s is kept", (number) => {
    expect(() => requireExactNumbers(`{"a":${number}}`)).not.toThrow();
  });

  it("digits within texts and names are no numbers", () => {
    const json = '{"id":"12345678901234567890","12345678901234567890":1,"q":"\\"12345678901234567890"}';
    expect(() => requireExactNumbers(json)).not.toThrow();
  });

  it("takes time in proportion to the length, also of text that is no JSON", () => {
    const start = performance.now();
    requireExactNumbers(`1e1${'"\\"'.repeat(300_000)}`);
    requireExactNumbers(`"1e1${'\\"'.repeat(500_000)}`);
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
