import { describe, expect, it } from "vitest";
import { carriedAfter, plainText, spansOf } from "./ansi.ts";

const ESC = "\u001b";

describe("spansOf", () => {
  it("leaves a plain line as it is, markup included", () => {
    const line = `<img src=x onerror="alert(1)"> & <script>`;
    expect(spansOf(line)).toEqual([{ text: line }]);
    expect(spansOf("")).toEqual([]);
  });

  it("splits a line by its styles, each piece with its own", () => {
    const spans = spansOf(`a ${ESC}[1mbold ${ESC}[3mboth${ESC}[0m ${ESC}[4;9mlast${ESC}[m.`);
    expect(spans).toEqual([
      { text: "a " },
      { text: "bold ", bold: true },
      { text: "both", bold: true, italic: true },
      { text: " " },
      { text: "last", underline: true, strike: true },
      { text: "." },
    ]);
  });

  it("knows the sixteen colours, the table of 256 and true colours, with either separator", () => {
    expect(spansOf(`${ESC}[31mred`)[0]?.colour).toBe("#ff7b72");
    expect(spansOf(`${ESC}[38;5;196mred`)[0]?.colour).toMatch(/^#f/);
    expect(spansOf(`${ESC}[38;2;255;200;0mgold`)).toEqual([{ text: "gold", colour: "#ffc800" }]);
    expect(spansOf(`${ESC}[38:2:255:200:0mgold`)).toEqual([{ text: "gold", colour: "#ffc800" }]);
    expect(spansOf(`${ESC}[48;2;255;255;255mpaper`)[0]).toMatchObject({ background: "#ffffff" });
  });

  it("swaps colours for reversed text", () => {
    const [span] = spansOf(`${ESC}[7mturned`);
    expect(span?.background).toBe("#e6edf3");
    expect(span?.colour).toBe("#0d1117");
  });

  it("shows what a terminal would have left of a rewritten line", () => {
    expect(spansOf("10%\r50%\r100%\r")).toEqual([{ text: "100%" }]);
    expect(plainText("done\r")).toBe("done");
  });

  it("drops what moves the cursor, sets titles or makes links, and shows other control characters", () => {
    expect(plainText(`${ESC}[2K${ESC}[1Gstep ${ESC}[?25l1`)).toBe("step 1");
    expect(plainText(`${ESC}]0;title\u0007text`)).toBe("text");
    expect(plainText(`${ESC}]8;;https://evil.example\u0007click${ESC}]8;;\u0007`)).toBe("click");
    expect(plainText(`${ESC}]8;;https://evil.example${ESC}\\click`)).toBe("click");
    expect(plainText(`${ESC}(Bx${ESC}=y${ESC}`)).toBe("xy");
    expect(plainText("bell\u0007 null\u0000 delete\u007f")).toBe("bell␇ null␀ delete␡");
  });

  it("keeps a style whose sequence never ends out of the text", () => {
    expect(plainText(`text${ESC}[31`)).toBe("text");
    expect(plainText(`text${ESC}]0;title`)).toBe("text");
  });
});

describe("carriedAfter", () => {
  it("takes what stays switched on to the next line, until it is switched off", () => {
    const one = carriedAfter("", `${ESC}[31mbegins`);
    expect(spansOf("still red", one)).toEqual([{ text: "still red", colour: "#ff7b72" }]);
    const two = carriedAfter(one, "still red");
    expect(two).toBe(one);
    expect(carriedAfter(two, `ends${ESC}[0m`)).toBe("");
    expect(carriedAfter(two, `ends${ESC}[m`)).toBe("");
    expect(carriedAfter(two, `${ESC}[0;1mbold`)).toBe(`${ESC}[0;1m`);
  });

  it("does not grow with a log that never switches off", () => {
    let open = "";
    for (let i = 0; i < 10_000; i++) open = carriedAfter(open, `${ESC}[38;5;${i % 256}mx`);
    expect(open.length).toBeLessThanOrEqual(200);
    expect(spansOf("x", open)).toHaveLength(1);
  });
});
