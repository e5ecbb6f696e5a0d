import { type Block, foldEvent, type RunEvent } from "@stagefold/core";
import { expect, it } from "vitest";
import type { Turn, TurnEvent } from "./api.ts";
import { foldTurn } from "./fold-turn.ts";

const turn = (fields: object = {}) =>
  ({ turn: 1, status: "running", blocks: [], ...fields }) as unknown as Turn;
const fold = (...events: unknown[]) =>
  events.reduce<Turn | undefined>((now, event) => foldTurn(now, event as TurnEvent), undefined);

it("a turn grows by its events, each piece of text once, and ends", () => {
  const tool = { type: "tool", id: "t", name: "mean", input: {}, output: null, status: "running" };
  const usage = {
    input_tokens: 9,
    output_tokens: 2,
    cached_tokens: 0,
    tool_calls: 1,
    steps: 1,
    cost_usd: 0.1,
  };
  const ended = fold(
    { event: "turn", turn: turn() },
    { event: "text", block: 0, at: 0, text: "Hel" },
    { event: "text", block: 0, at: 3, text: "lo" },
    { event: "text", block: 0, at: 0, text: "Hel" },
    { event: "tool", block: 1, tool },
    { event: "tool", block: 1, tool: { ...tool, output: "4", status: "completed" } },
    { event: "usage", usage },
    { event: "end", status: "completed", error: null, finish_reason: "stop", usage, duration_ms: 5 },
  );
  expect(ended).toMatchObject({
    status: "completed",
    duration_ms: 5,
    input_tokens: 9,
    blocks: [
      { type: "text", text: "Hello" },
      { type: "tool", output: "4", status: "completed" },
    ],
  });
});

it("what does not fit behind what came changes nothing, and a whole state takes the place of all", () => {
  const before = fold(
    { event: "turn", turn: turn() },
    { event: "text", block: 4, at: 0, text: "gap" },
    { event: "text", block: 0, at: 7, text: "gap" },
  );
  expect(before?.blocks).toEqual([]);
  const after = fold(
    { event: "text", block: 0, at: 0, text: "early" },
    { event: "turn", turn: turn({ turn: 2 }) },
  );
  expect(after).toMatchObject({ turn: 2, blocks: [] });
});

it("blocks grow as the API's own do, and where the API refuses an event it changes nothing", () => {
  const tool = { type: "tool", id: "t", name: "mean", input: {}, output: null, status: "running" };
  const places = [-1, 0, 1];
  const events = places.flatMap((block) => [
    ...[0, 1, 2].flatMap((at) => ["a", "bcd"].map((text) => ({ event: "text", block, at, text }))),
    { event: "tool", block, tool },
  ]);
  const different: unknown[] = [];
  // Every event after every pair of them.
  for (const first of events)
    for (const second of events)
      for (const third of events) {
        let blocks: readonly Block[] = [];
        for (const event of [first, second, third]) {
          try {
            blocks = foldEvent(blocks, event as RunEvent);
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
          }
        }
        const ours = fold({ event: "turn", turn: turn() }, first, second, third)?.blocks;
        if (JSON.stringify(ours) !== JSON.stringify(blocks))
          different.push({ events: [first, second, third], ours, blocks });
      }
  expect(different).toEqual([]);
});
