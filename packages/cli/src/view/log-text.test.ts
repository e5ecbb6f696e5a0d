import { expect, it } from "vitest";
import { logText } from "./log-text.ts";

const E = "\u001b";

it.each([
  ["colours", `${E}[1;31mred${E}[0m plain`, `${E}[1;31mred${E}[0m plain${E}[0m`, "red plain"],
  ["a colour that is not ended", `${E}[32mok`, `${E}[32mok${E}[0m`, "ok"],
  ["colours by 8-bit control", "\u009b31mred", `${E}[31mred${E}[0m`, "red"],
  ["a rewritten line", "10 %\r 50 %\r100 %", "100 %", "100 %"],
  ["a rewritten line that ends in a return", "10 %\r100 %\r", "100 %", "100 %"],
  ["a rewritten line with an erased end", `10 %\r100 %\r${E}[K`, "100 %", "100 %"],
  ["a colour before the return", `${E}[33m10 %\r20 %`, `${E}[33m20 %${E}[0m`, "20 %"],
  ["moves and erasures", `${E}[2J${E}[1;1Ha${E}[3Ab${E}[K`, "ab", "ab"],
  ["a title", `${E}]0;owned\u0007text`, "text", "text"],
  ["a title ended by ST", `a${E}]2;owned${E}\\b`, "ab", "ab"],
  ["a copy to the clipboard", `${E}]52;c;aGk=\u0007text`, "text", "text"],
  ["a link", `${E}]8;;http://x${E}\\label${E}]8;;${E}\\`, "label", "label"],
  ["a device string", `${E}Pq#0${E}\\x`, "x", "x"],
  ["a title without an end loses nothing that follows", `${E}]0;kept`, "0;kept", "0;kept"],
  ["a reset and a charset", `${E}cx${E}(0y`, "xy", "xy"],
  ["private modes", `${E}[?1049h${E}[?25lx`, "x", "x"],
  ["overstruck text", "a\bab\bb", "ab", "ab"],
  ["a bell and a turned direction", "a\u0007\u202eb", "a\\x07\\u202eb", "a\\x07\\u202eb"],
  ["a command cut at the end", `x${E}[`, "x", "x"],
  ["nothing", "", "", ""],
])("O8: %s, on a terminal and in a pipe", (_what, line, terminal, pipe) => {
  expect(logText(line, true)).toBe(terminal);
  expect(logText(line, false)).toBe(pipe);
});

it("many titles without an end and many backspaces take the time of their number, not of its square", () => {
  const many = 100_000;
  const begun = performance.now();
  expect(logText("\u0090".repeat(many), false)).toBe("\\x90".repeat(many));
  expect(logText(`${"a".repeat(many)}${"\b".repeat(many)}b`, false)).toBe("b");
  expect(performance.now() - begun).toBeLessThan(2000);
});

it("O8: nothing but styles reaches a terminal, whatever a line says", () => {
  const parts = [
    E,
    "[",
    "]",
    "0",
    ";",
    "m",
    "K",
    "\u0007",
    "\\",
    "\u009b",
    "\u009d",
    "\r",
    "\b",
    "a",
    "P",
    "\n",
    "?",
  ];
  for (let n = 0; n < 20_000; n++) {
    const line = Array.from(
      { length: 8 },
      (_, i) => parts[(n * 7919 + i * 104_729 + n * i) % parts.length],
    ).join("");
    // biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    const left = logText(line, true).replaceAll(/\u001b\[[\d;:]*m/g, "");
    expect(left, JSON.stringify(line)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    // biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above
  }
});
