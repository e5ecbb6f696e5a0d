import type { RunEvent, RunUsage, Turn } from "@stagefold/core";

/** What a watch of a turn says: `turn` first, `end` last. */
export type TurnEvent =
  | { readonly event: "turn"; readonly turn: Turn }
  | RunEvent
  | {
      readonly event: "end";
      readonly status: Turn["status"];
      readonly error: Turn["error"];
      readonly finish_reason: string | null;
      readonly usage: RunUsage;
      readonly duration_ms: number;
    };

/** The last event of a turn that has ended. */
export function endOf(turn: Turn): TurnEvent {
  const { status, error, finish_reason, duration_ms = 0 } = turn;
  const { input_tokens, output_tokens, cached_tokens, tool_calls, steps, model, cost_usd } = turn;
  const usage = { input_tokens, output_tokens, cached_tokens, tool_calls, steps, cost_usd };
  return {
    event: "end",
    status,
    error,
    finish_reason,
    usage: model === undefined ? usage : { ...usage, model },
    duration_ms,
  };
}
