import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRef, refOf } from "./refs.ts";
import { foldEvent, type RunEvent } from "./run-event.ts";
import type { Block } from "./turn-schema.ts";

const text = (block: number, at: number, added: string): RunEvent => ({
  event: "text",
  block,
  at,
  text: added,
});
const fold = (events: readonly RunEvent[]) => events.reduce<readonly Block[]>(foldEvent, []);

describe("foldEvent", () => {
  it("appends text, also in pieces that come twice", () => {
    const pieces = fc.array(fc.string({ unit: "grapheme", minLength: 1 }), { minLength: 1 });
    const property = fc.property(pieces, fc.array(fc.nat()), (given, repeats) => {
      let at = 0;
      const events = given.map((piece) => {
        const event = text(0, at, piece);
        at += piece.length;
        return event;
      });
      const again = repeats.map((n) => events[n % events.length]).filter((event) => event !== undefined);
      expect(fold([...events, ...again])).toEqual([{ type: "text", text: given.join("") }]);
    });
    fc.assert(property);
  });

  it("puts a tool that ended in the place of the one that started", () => {
    const tool = {
      type: "tool",
      id: "1",
      name: "sum",
      input: { a: 1 },
      output: null,
      status: "running",
    } as const;
    const ended = { ...tool, output: "1", status: "completed" } as const;
    const events: RunEvent[] = [
      text(0, 0, "a"),
      { event: "tool", block: 1, tool },
      { event: "tool", block: 1, tool: ended },
      text(2, 0, "b"),
    ];
    expect(fold(events)).toEqual([{ type: "text", text: "a" }, ended, { type: "text", text: "b" }]);
  });

  it.each([
    ["a block beyond the next", [text(1, 0, "a")]],
    ["text behind a gap", [text(0, 0, "a"), text(0, 2, "c")]],
  ])("refuses %s", (_name, events) => {
    expect(() => fold(events)).toThrow(RangeError);
  });
});

describe("refs", () => {
  it("name a place in the artifact store, and nothing else", () => {
    const at = { project_id: `sess_${"0a".repeat(16)}`, stage: "turn", attempt: 12, path: "files/1/a b.csv" };
    expect(parseRef(refOf(at))).toEqual(at);
    for (const ref of ["", "proj_1/turn/1/a", `${at.project_id}/turn/x/a`, `${at.project_id}/turn/1/../a`])
      expect(() => parseRef(ref), ref).toThrowError(expect.objectContaining({ code: "INVALID_INPUT" }));
  });
});
