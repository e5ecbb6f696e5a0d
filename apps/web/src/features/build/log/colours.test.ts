import { namedColors } from "ansi-sequence-parser";
import { describe, expect, it } from "vitest";
import { colourOf, legible, PAPER } from "./colours.ts";

/** As WCAG 2 defines it; written once more here, from the definition. */
function contrast(one: string, other: string): number {
  const [a = 0, b = 0] = [one, other].map((colour) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  });
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

describe("the colours of a log", () => {
  it.each(namedColors)("%s can be read on the paper as it is", (name) => {
    const colour = colourOf({ type: "named", name }) ?? "";
    expect(contrast(colour, PAPER)).toBeGreaterThanOrEqual(4.5);
    expect(legible(colour, PAPER)).toBe(colour);
  });

  it("are moved until they can be read, whatever a log puts on whatever", () => {
    const parts = ["00", "33", "66", "99", "cc", "ff"];
    const all = parts.flatMap((r) => parts.flatMap((g) => parts.map((b) => `#${r}${g}${b}`)));
    const papers = [PAPER, "#ffffff", "#777777", "#bb0000", "#0000bb", "#ffff00"];
    const weak = papers.flatMap((paper) =>
      all.filter((colour) => contrast(legible(colour, paper), paper) < 4.5).map((colour) => [colour, paper]),
    );
    expect(weak).toEqual([]);
  });

  it("are none where the log names one that does not exist", () => {
    expect(colourOf(null)).toBeUndefined();
    expect(colourOf({ type: "table", index: 999 })).toBeUndefined();
  });
});
