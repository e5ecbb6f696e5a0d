import type { z } from "zod";
import { StagefoldError } from "../errors.ts";
import type { Item } from "../patch/index.ts";
import { type Agent, agentSchema } from "./agent-schema.ts";
import {
  type Invocation,
  invocationSchema,
  type Session,
  sessionSchema,
  type Turn,
  turnSchema,
} from "./turn-schema.ts";

const KEYS = ["pk", "sk", "gsi1_pk", "gsi1_sk", "gsi2_pk", "gsi2_sk", "listed"];

/** What an item of the records table says, without its keys. Errors: INTERNAL for one that cannot be read. */
function readItem<T>(schema: z.ZodType<T>, item: Item): T {
  const fields = Object.fromEntries(Object.entries(item).filter(([field]) => !KEYS.includes(field)));
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const message = `The record ${String(item.pk)} ${String(item.sk)} cannot be read.`;
  throw new StagefoldError("INTERNAL", message, {}, { cause: parsed.error });
}

export function readAgent(item: Item): Agent {
  return readItem(agentSchema, item);
}

export function readSession(item: Item): Session {
  return readItem(sessionSchema, item);
}

export function readTurn(item: Item): Turn {
  return readItem(turnSchema, item);
}

/** A running one has the usage of its last checkpoint in the turn's own fields. */
export function readInvocation(item: Item): Invocation {
  const invocation = readItem(invocationSchema, item);
  return { ...invocation, ...invocation.usage };
}
