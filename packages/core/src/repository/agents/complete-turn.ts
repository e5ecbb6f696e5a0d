import { takeOverInvocation } from "../../agents/invocation-commands.ts";
import { invocationKey, sessionKey, turnKey } from "../../agents/keys.ts";
import { readInvocation, readSession, readTurn } from "../../agents/read-item.ts";
import { openAsTurn } from "../../agents/rows.ts";
import { takeOverTurn } from "../../agents/session-commands.ts";
import type { Invocation, OpenTurn, Session, Turn } from "../../agents/turn-schema.ts";
import type { Item } from "../../patch/index.ts";
import { fromTime } from "../../snapshot/time.ts";
import type { AgentContext } from "./context.ts";
import { optimisticRecordWrite } from "./record-write.ts";
import { endedBlocks } from "./turn-blocks.ts";
import { archiveAndEnd, endHeldInvocation, endOpenTurn } from "./turn-lease.ts";

const LOST = "The process that ran this turn is gone.";

/**
 * The head after what a dead owner left was completed: a turn that is archived is ended; one whose lease has run out is
 * taken over, archived as interrupted with the text that was checkpointed, and ended. It is never run again. A turn
 * whose owner lives stays open. Every reader, writer and the reconciler may do this; any number at once. Undefined when
 * the session is gone.
 */
export async function completeSession(context: AgentContext, item: Item): Promise<Session | undefined> {
  const head = readSession(item);
  if (!head.open) return head;
  const archived = await context.records.get(turnKey(head.session_id, head.open.turn));
  if (archived) await endOpenTurn(context, head, readTurn(archived));
  else if (!context.isOver(head.session_id, head.open.lease)) return head;
  else await takeOver(context, head, head.open);
  const after = await context.records.get(sessionKey(head.session_id));
  return after && readSession(after);
}

async function takeOver(context: AgentContext, head: Session, open: OpenTurn): Promise<void> {
  const owner = context.newId();
  const { item } = await optimisticRecordWrite(context.records, {
    stored: { ...head },
    decide: (stored) => {
      const now = stored && readSession(stored);
      return now?.token === head.token && now.open?.lease.expires_at === open.lease.expires_at
        ? takeOverTurn(now, open, owner, context.leaseEnd())
        : undefined;
    },
    isOwnWrite: (stored) => readSession(stored).open?.lease.owner === owner,
    maxRetries: 1,
  });
  const taken = item && readSession(item);
  // Another process was first, or the owner lives after all.
  if (taken?.open?.lease.owner !== owner) return;
  await archiveAndEnd(context, taken, interrupted(context, openAsTurn(head.session_id, taken.open)));
}

/** The invocation after the same. Undefined when it is gone. */
export async function completeInvocation(context: AgentContext, item: Item): Promise<Invocation | undefined> {
  const known = readInvocation(item);
  if (known.status !== "running") return known;
  if (known.lease && !context.isOver(known.invocation_id, known.lease)) return known;
  const owner = context.newId();
  const taken = await optimisticRecordWrite(context.records, {
    stored: item,
    decide: (stored) => {
      const now = stored && readInvocation(stored);
      return now?.token === known.token && now.lease?.expires_at === known.lease?.expires_at
        ? takeOverInvocation(known, owner, context.leaseEnd())
        : undefined;
    },
    isOwnWrite: (stored) => readInvocation(stored).lease?.owner === owner,
    maxRetries: 1,
  });
  const held = taken.item && readInvocation(taken.item);
  if (held?.lease?.owner === owner) await endHeldInvocation(context, held, interrupted(context, held));
  const after = await context.records.get(invocationKey(known.invocation_id));
  return after && readInvocation(after);
}

function interrupted(context: AgentContext, turn: Turn): Turn {
  const ended_at = context.now();
  return {
    ...turn,
    status: "interrupted",
    error: { code: "RUNNER_LOST", message: LOST },
    blocks: endedBlocks(turn.blocks, LOST),
    ended_at,
    duration_ms: Math.max(0, fromTime(ended_at) - fromTime(turn.started_at)),
  };
}
