import {
  type AgentRecords,
  type Block,
  type RunUsage,
  type Turn,
  type TurnTarget,
  utf8Bytes,
} from "@stagefold/core";
import type { LiveTurn } from "./live-turn.ts";
import { endOf, type TurnEvent } from "./turn-event.ts";

/** How often the turn of another process is read. */
const POLL_MS = 500;

/**
 * The turn as it is now, then what follows, until `end`. A turn of this process comes as its runner says it; one of
 * another process by its checkpoints. Ends with the signal. Errors: SESSION_NOT_FOUND, TURN_NOT_FOUND.
 */
export async function* watchTurn(
  records: AgentRecords,
  liveOf: () => LiveTurn | undefined,
  target: TurnTarget,
  signal: AbortSignal | undefined,
): AsyncGenerator<TurnEvent, void, undefined> {
  const live = liveOf();
  if (live) yield* watchLive(live, signal);
  else yield* watchStored(records, target, signal);
}

async function* watchLive(
  live: LiveTurn,
  signal: AbortSignal | undefined,
): AsyncGenerator<TurnEvent, void, undefined> {
  const { turn } = live;
  const waiting: TurnEvent[] = [{ event: "turn", turn }];
  // It has ended, and is about to be forgotten.
  if (turn.status !== "running") waiting.push(endOf(turn));
  let wake: (() => void) | undefined;
  const onAbort = () => wake?.();
  const leave = live.subscribe((event) => {
    waiting.push(event);
    wake?.();
  });
  signal?.addEventListener("abort", onAbort);
  try {
    while (!signal?.aborted) {
      const event = waiting.shift();
      if (event) {
        yield event;
        if (event.event === "end") return;
      } else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    leave();
    signal?.removeEventListener("abort", onAbort);
  }
}

async function* watchStored(
  records: AgentRecords,
  target: TurnTarget,
  signal: AbortSignal | undefined,
): AsyncGenerator<TurnEvent, void, undefined> {
  let seen = await records.turns.get(target);
  yield { event: "turn", turn: seen };
  while (seen.status === "running") {
    const now = await orAborted(nextRead(records, target), signal);
    if (!now) return;
    yield* eventsBetween(seen, now);
    seen = now;
  }
  yield endOf(seen);
}

/** The reads that are due next, by their turn: all who watch it in this process share them. */
const due = new WeakMap<AgentRecords, Map<string, Promise<Turn>>>();

function nextRead(records: AgentRecords, target: TurnTarget): Promise<Turn> {
  const reads = due.get(records) ?? new Map<string, Promise<Turn>>();
  due.set(records, reads);
  const key = JSON.stringify(target);
  const known = reads.get(key);
  if (known) return known;
  const read = new Promise<void>((resolve) => setTimeout(resolve, POLL_MS).unref()).then(() => {
    // One who joins while it is read may have seen a later state already.
    reads.delete(key);
    return records.turns.get(target);
  });
  reads.set(key, read);
  return read;
}

/** What the promise gives, or undefined once the signal is aborted. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve(undefined);
    signal?.addEventListener("abort", onAbort, { once: true });
    void promise.then(resolve, reject).finally(() => signal?.removeEventListener("abort", onAbort));
    if (signal?.aborted) onAbort();
  });
}

/** What happened from one state of a turn to a later one. Where blocks were given away, the turn as it is. */
export function eventsBetween(before: Turn, now: Turn): TurnEvent[] {
  const events: TurnEvent[] = [];
  for (const [at, block] of now.blocks.entries()) {
    const known = before.blocks[at];
    if (known && JSON.stringify(known) === JSON.stringify(block)) continue;
    const event = blockEvent(at, known, block);
    if (!event) return [{ event: "turn", turn: now }];
    events.push(event);
  }
  if (now.blocks.length < before.blocks.length) return [{ event: "turn", turn: now }];
  const usage = usageOf(now);
  if (now.status === "running" && JSON.stringify(usage) !== JSON.stringify(usageOf(before)))
    events.push({ event: "usage", usage });
  return events;
}

function blockEvent(at: number, before: Block | undefined, now: Block): TurnEvent | undefined {
  if (now.type === "tool")
    return before && before.type !== "tool" ? undefined : { event: "tool", block: at, tool: now };
  if (before && (before.type !== "text" || !now.text.startsWith(before.text) || now.ref !== before.ref))
    return undefined;
  const known = before?.text ?? "";
  return { event: "text", block: at, at: known.length, text: now.text.slice(known.length) };
}

function usageOf({
  input_tokens,
  output_tokens,
  cached_tokens,
  tool_calls,
  steps,
  model,
  cost_usd,
}: Turn): RunUsage {
  const usage = { input_tokens, output_tokens, cached_tokens, tool_calls, steps, cost_usd };
  return model === undefined ? usage : { ...usage, model };
}

/** Roughly four characters of ASCII, or one of most others, are a token. */
function tokensOf(text: string): number {
  return Math.ceil(utf8Bytes(text) / 3);
}

/**
 * Tokens of earlier turns that a new one is given, and turns that are looked at for it. Of their files it is given all: what a
 * model is shown of these has a limit of its own, in `messages.ts` of agent-runner.
 */
const HISTORY_TOKENS = 24_000;
const HISTORY_TURNS = 50;

/** The newest turns before a number that fit the budget, oldest first. */
export async function historyOf(records: AgentRecords, sessionId: string, turn: number): Promise<Turn[]> {
  const { turns } = await records.turns.list(sessionId, { before: turn, limit: HISTORY_TURNS });
  const chosen: Turn[] = [];
  let left = HISTORY_TOKENS;
  for (const one of turns) {
    left -= tokensOf(one.user.text) + one.blocks.reduce((sum, block) => sum + tokensOf(textOf(block)), 0);
    if (left < 0) break;
    // An imported answer without a question: providers refuse an empty one.
    if (one.user.text !== "" || one.user.files.length > 0) chosen.unshift(one);
  }
  return chosen;
}

function textOf(block: Block): string {
  return block.type === "text" ? block.text : `${JSON.stringify(block.input)}${block.output ?? ""}`;
}
