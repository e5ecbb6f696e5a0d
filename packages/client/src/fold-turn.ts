import type { Turn, TurnBlock, TurnEvent } from "./api.ts";

/**
 * The turn after an event of `turns.watch` or `invocations.watch`; `turn` is what it was, undefined before the first.
 * What does not fit behind what came is part of another state, and is left out: the next whole one has it.
 */
export function foldTurn(turn: Turn | undefined, event: TurnEvent): Turn | undefined {
  if (event.event === "turn") return event.turn;
  if (!turn) return undefined;
  if (event.event === "usage") return { ...turn, ...event.usage };
  if (event.event === "end") {
    const { status, error, finish_reason, usage, duration_ms } = event;
    return { ...turn, ...usage, status, error, finish_reason, duration_ms };
  }
  const block = blockAfter(turn.blocks, event);
  return block ? { ...turn, blocks: Object.assign([...turn.blocks], { [event.block]: block }) } : turn;
}

/** Undefined where the event changes nothing. */
function blockAfter(
  blocks: readonly TurnBlock[],
  event: Extract<TurnEvent, { event: "text" | "tool" }>,
): TurnBlock | undefined {
  if (event.block < 0 || event.block > blocks.length) return undefined;
  if (event.event === "tool") return event.tool;
  const before = blocks[event.block];
  if (before && before.type !== "text") return undefined;
  const known = before?.text ?? "";
  const text = known.slice(0, event.at) + event.text;
  return event.at > known.length || text.length < known.length ? undefined : { type: "text", text };
}
