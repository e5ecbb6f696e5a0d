import { expect, test } from "vitest";
import { parseJsonAnswer } from "./model.ts";

test("an answer is JSON with or without a fence around it", () => {
  for (const text of [
    '{"a":1}',
    ' ```json\n{"a":1}\n```\n',
    '```\n\n{"a":1}\n ```',
    '```json \n{"a":1}\n```',
  ])
    expect(parseJsonAnswer(text)).toEqual({ a: 1 });
  for (const text of ["", "```", '```js\n{"a":1}\n```', '```json\n{"a":1}'])
    expect(() => parseJsonAnswer(text)).toThrow(SyntaxError);
});

test("a fence with many line ends in it takes the time of their number, not of its cube", () => {
  const begun = performance.now();
  expect(() => parseJsonAnswer(`\`\`\`${"\n".repeat(100_000)}x`)).toThrow(SyntaxError);
  expect(performance.now() - begun).toBeLessThan(2000);
});
