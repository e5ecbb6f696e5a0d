import { describe, expect, it } from "vitest";
import { spansOf } from "./ansi.ts";
import { columnsOf, LogBuffer } from "./buffer.ts";

const ESC = "\u001b";

describe("LogBuffer", () => {
  it("keeps lines as they were written, and as they read", () => {
    const buffer = new LogBuffer();
    buffer.append([`${ESC}[31mred`, "next", `${ESC}[0mplain`]);
    expect([buffer.length, buffer.raw(0), buffer.plain(0)]).toEqual([3, `${ESC}[31mred`, "red"]);
    expect(spansOf(buffer.raw(1), buffer.carried(1))).toEqual([{ text: "next", colour: "#ff7b72" }]);
    expect(spansOf(buffer.raw(2), buffer.carried(2))).toEqual([{ text: "plain" }]);
    expect(buffer.parts().join("")).toBe(`${ESC}[31mred\nnext\n${ESC}[0mplain\n`);
  });

  it("tells its readers of lines, and of nothing else", () => {
    const buffer = new LogBuffer();
    let told = 0;
    const leave = buffer.subscribe(() => {
      told += 1;
    });
    buffer.append([]);
    buffer.append(["a", "b"]);
    leave();
    buffer.append(["c"]);
    expect(told).toBe(1);
  });

  it("finds text whatever its case and its colours, also from a line on", () => {
    const buffer = new LogBuffer();
    buffer.append(["Error one", "fine", `an er${ESC}[1mror${ESC}[0m two`]);
    expect(buffer.find("ERROR")).toEqual([0, 2]);
    expect(buffer.find("error", 1)).toEqual([2]);
    expect(buffer.find("")).toEqual([]);
    expect(buffer.find("[1m")).toEqual([]);
  });
});

it("knows when a line was written, to which stream, and which tell of errors; what has not ended gives way", () => {
  const buffer = new LogBuffer();
  const at = "2026-11-29T18:00:00.000Z";
  buffer.append(
    [{ text: "fine", at, stream: "stdout" }, "old"],
    [{ text: "Error: x", at, stream: "stderr" }],
  );
  expect([buffer.timeAt(0), buffer.timeAt(1), buffer.hasTimes]).toEqual([at, undefined, true]);
  expect([buffer.isStderr(0), buffer.isStderr(2), buffer.errors]).toEqual([false, true, [2]]);
  buffer.append([{ text: "done", at, stream: "stdout" }]);
  expect([buffer.length, buffer.isStderr(2), buffer.errors]).toEqual([3, false, []]);
});

describe("columnsOf", () => {
  it("counts wide characters twice and tabs to the next stop", () => {
    expect(columnsOf("abc")).toBe(3);
    expect(columnsOf("提示词")).toBe(6);
    expect(columnsOf("a\tb")).toBe(9);
    expect(columnsOf("😀")).toBe(2);
  });
});
