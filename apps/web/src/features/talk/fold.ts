import { type Block, foldEvent, type RunEvent } from "@stagefold/core";
import type { Outputs, Turn } from "../../lib/api.ts";

export type TurnEvent = Outputs["turns"]["watch"];

/** The turn after an event of its stream; `turn` is what it was, undefined before the first. */
export function folded(turn: Turn | undefined, event: TurnEvent): Turn | undefined {
  if (event.event === "turn") return event.turn;
  if (!turn) return undefined;
  switch (event.event) {
    case "text":
    case "tool":
      // What does not fit behind what came is part of another state: the next whole one has it.
      try {
        return {
          ...turn,
          blocks: [...foldEvent(turn.blocks as Block[], event as RunEvent)] as Turn["blocks"],
        };
      } catch (error) {
        if (error instanceof RangeError) return turn;
        throw error;
      }
    case "usage":
      return { ...turn, ...event.usage };
    case "end": {
      const { status, error, finish_reason, usage, duration_ms } = event;
      return { ...turn, ...usage, status, error, finish_reason, duration_ms };
    }
    default:
      return event satisfies never;
  }
}
