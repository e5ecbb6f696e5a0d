import { z } from "zod";

/** What an agent's process says, a line of JSON each. What we send it is in `orders`. See `serve.mjs` of agent-build. */

/** Characters of one line; more than that is no answer of a tool. */
export const MAX_LINE = 8 * 1024 * 1024;

/** Characters of a tool's name, and of the id of one use. */
const MAX_NAME = 200;

const toolSchema = z.object({
  name: z.string(),
  description: z.string().default(""),
  /** Inputs that people can try, for a tool that takes a text. */
  input: z.array(z.string()).default(() => []),
  input_schema: z.record(z.string(), z.unknown()).optional(),
});

export const childMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), protocol: z.literal(1), tools: z.array(toolSchema) }),
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({
    type: z.literal("tool"),
    id: z.string().max(MAX_NAME),
    name: z.string().max(MAX_NAME),
    input: z.unknown(),
    status: z.enum(["running", "completed", "failed"]),
    output: z.string().nullable(),
  }),
  z.object({ type: z.literal("result"), id: z.string(), output: z.string(), failed: z.boolean() }),
  z.object({ type: z.literal("end") }),
]);

export type ChildMessage = z.output<typeof childMessageSchema>;

export interface PastTurn {
  readonly text: string;
  readonly files: readonly { readonly name: string }[];
  readonly blocks: readonly unknown[];
}

export type Order =
  | {
      readonly type: "turn";
      readonly text: string;
      readonly files: readonly { readonly name: string }[];
      readonly history: readonly PastTurn[];
    }
  | { readonly type: "call"; readonly id: string; readonly tool: string; readonly input: unknown };
