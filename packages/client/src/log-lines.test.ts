import { expect, test } from "vitest";
import { LogLines } from "./log-lines.ts";

const at = "2026-11-29T10:11:12.345Z";

test("pieces of a line are one line again, each stream has its own, and what has not ended stands apart", () => {
  const lines = new LogLines();
  const first = lines.add([
    { text: "out a", at, stream: "stdout", end: "" },
    { text: "err", at, stream: "stderr" },
    { text: "10 %", at, stream: "log", end: "\r" },
  ]);
  expect(first.map(({ text }) => text)).toEqual(["err"]);
  expect(lines.open.map(({ text }) => text)).toEqual(["out a", "10 %"]);
  const second = lines.add([
    { text: "20 %", at, stream: "log", end: "\r" },
    { text: "nd b", at, stream: "stdout" },
    { text: "", at, stream: "log" },
    { text: "asks: ", at, stream: "stderr", end: "" },
    { text: "", at, stream: "stderr", end: "\r" },
    { text: "answered", at, stream: "stderr" },
  ]);
  expect(second).toEqual([
    { text: "out and b", at, stream: "stdout" },
    { text: "20 %", at, stream: "log" },
    { text: "answered", at, stream: "stderr" },
  ]);
  expect(lines.open).toEqual([]);
});

test("what has not ended when the log is over is a line, and lines of older logs are joined by their length", () => {
  const lines = new LogLines();
  const old = ["a".repeat(65_536), "b".repeat(65_535), "end", "", "next"].map((text) => ({ text }));
  expect(lines.add(old).map(({ text }) => text.length)).toEqual([131_074, 0, 4]);
  lines.add([{ text: "begun", end: "" }]);
  expect(lines.end()).toEqual([{ text: "begun" }]);
  expect(lines.end()).toEqual([]);
});
