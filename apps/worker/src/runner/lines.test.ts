import { wholeTexts } from "@stagefold/core";
import { SecretMask } from "@stagefold/node-files";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter, MAX_LINE } from "./lines.ts";

const MARKER = "\u0001marker";

/** The entries of these chunks; before each chunk of `shownAt` what has no end yet is shown. */
function split(
  chunks: readonly Uint8Array[],
  shownAt: (chunk: number) => boolean = () => false,
  mask = new SecretMask([]),
) {
  const splitter = new LineSplitter("stdout", mask, MARKER);
  const entries = chunks.flatMap((chunk, i) => [
    ...(shownAt(i) ? splitter.takeRest() : []),
    ...splitter.feed(chunk),
  ]);
  return [...entries, ...splitter.end()];
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let from = 0, i = 0; from < bytes.length; i++) {
    const size = (cuts[i % cuts.length] ?? 0) + 1;
    chunks.push(bytes.subarray(from, from + size));
    from += size;
  }
  return chunks;
}

test("the lines are the same however the bytes arrive, and whenever a beginning is shown", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "你", "😀", "\n", "\r\n", " ", "\0") });
  fc.assert(
    fc.property(text, fc.array(fc.nat(40), { minLength: 1 }), fc.nat(5), (given, cuts, every) => {
      const chunks = cut(Buffer.from(`${given}${MARKER}\nlater`), cuts);
      const plain = given.replaceAll("\0", "");
      const expected = plain.split("\n").map((line) => line.replace(/\r$/, ""));
      // An end of line ends the last line; it begins none.
      if (plain === "" || plain.endsWith("\n")) expected.pop();
      const entries = split(chunks, (i) => every > 0 && i % every === 0);
      expect(wholeTexts([], entries)).toEqual(expected);
    }),
  );
});

test("a line of many carriage returns takes the time of their number, not of its square", () => {
  const many = "\r".repeat(60_000);
  const begun = performance.now();
  const entries = split([Buffer.from(`${many}a`), Buffer.from(`${many}\ndone\n`)], () => true);
  expect(wholeTexts([], entries)).toEqual(["a", "done"]);
  expect(wholeTexts([], [`${many}a${many}b`])).toEqual([`${many}a${many}b`]);
  expect(performance.now() - begun).toBeLessThan(2000);
});

test("a line that rewrites itself has its last state, whether or not others were shown", () => {
  const bytes = Buffer.from("a\r\n10 %\r20 %\r100 %\ndone\rover\nasks: \rgone\nlast\r");
  fc.assert(
    fc.property(fc.array(fc.nat(6), { minLength: 1 }), fc.nat(3), (cuts, every) => {
      const texts = wholeTexts(
        [],
        split(cut(bytes, cuts), (i) => every > 0 && i % every === 0),
      );
      expect(texts).toEqual(["a", "100 %", "over", "gone", "last"]);
    }),
  );
});

test("invalid UTF-8 becomes replacement characters, a character cut in two stays one", () => {
  const chunks = [
    Buffer.from([0xff, 0x61, 0xe4, 0xbd]),
    Buffer.from([0xa0, 0x0a, 0xc3]),
    Buffer.from([0x0a]),
  ];
  expect(
    wholeTexts(
      [],
      split(chunks, () => true),
    ),
  ).toEqual(["\uFFFDa你", "\uFFFD"]);
});

test("a line without an end comes in pieces, none too long, and the marker is still found", () => {
  const long = "😀".repeat(MAX_LINE);
  const chunks = cut(Buffer.from(`x${long}${MARKER}\n`), [7000]);
  const entries = split(chunks);
  for (const { text } of entries) {
    expect(text.length).toBeLessThanOrEqual(MAX_LINE);
    expect(text.isWellFormed()).toBe(true);
  }
  expect(entries.length).toBeGreaterThan(1);
  expect(wholeTexts([], entries).map((line) => line === `x${long}`)).toEqual([true]);
});

test("a secret is hidden however it is cut, and no part of it is shown meanwhile", () => {
  const secret = "hunter2-hunter3";
  const bytes = Buffer.from(`a ${secret} b\nhunter2-hunt no\n\0hunter2\0-hunter3\nhunter2-`);
  fc.assert(
    fc.property(fc.array(fc.nat(6), { minLength: 1 }), fc.nat(3), (cuts, every) => {
      const entries = split(cut(bytes, cuts), (i) => every > 0 && i % every === 0, new SecretMask([secret]));
      expect(wholeTexts([], entries)).toEqual(["a *** b", "hunter2-hunt no", "***", "hunter2-"]);
    }),
  );
});
