import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter, MAX_LINE } from "./lines.ts";

const MARKER = "\u0001marker";

function split(chunks: readonly Uint8Array[]): string[] {
  const splitter = new LineSplitter(MARKER);
  const lines = chunks.flatMap((chunk) => splitter.feed(chunk));
  return [...lines, ...splitter.end()];
}

test("the lines are the same however the bytes arrive", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "你", "😀", "\n", "\r\n", " ") });
  fc.assert(
    fc.property(text, fc.array(fc.nat(40), { minLength: 1 }), (given, cuts) => {
      const bytes = Buffer.from(`${given}${MARKER}\nlater`);
      const chunks: Uint8Array[] = [];
      for (let from = 0, i = 0; from < bytes.length; i++) {
        const size = (cuts[i % cuts.length] ?? 0) + 1;
        chunks.push(bytes.subarray(from, from + size));
        from += size;
      }
      const expected = given.split("\n").map((line) => line.replace(/\r$/, ""));
      // An end of line ends the last line; it begins none.
      if (given === "" || given.endsWith("\n")) expected.pop();
      expect(split(chunks)).toEqual(expected);
    }),
  );
});

test("a line without an end comes in pieces, none too long, and the marker is still found", () => {
  const long = "😀".repeat(MAX_LINE);
  const bytes = Buffer.from(`x${long}${MARKER}\n`);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 7001) }, (_, i) =>
    bytes.subarray(i * 7001, (i + 1) * 7001),
  );
  const lines = split(chunks);
  expect(lines.join("") === `x${long}`).toBe(true);
  for (const line of lines) {
    expect(line.length).toBeLessThanOrEqual(MAX_LINE);
    expect(line.isWellFormed()).toBe(true);
  }
});
