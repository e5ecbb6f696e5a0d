import type { Block, RunUsage, ToolBlock } from "./turn-schema.ts";

/** What happens while an agent answers. Text is appended to the block's text at `at` (UTF-16 units). */
export type RunEvent =
  | { readonly event: "text"; readonly block: number; readonly at: number; readonly text: string }
  /** Started, and again when it ended. */
  | { readonly event: "tool"; readonly block: number; readonly tool: ToolBlock }
  /** Totals so far. */
  | { readonly event: "usage"; readonly usage: RunUsage };

/**
 * The blocks after an event. Text that is there already is not added again; a number beyond the end, or text behind a
 * gap, is a mistake of the runner. Errors: RangeError.
 */
export function foldEvent(blocks: readonly Block[], event: RunEvent): readonly Block[] {
  if (event.event === "usage") return blocks;
  if (event.block < 0 || event.block > blocks.length)
    throw new RangeError(`block ${event.block} of ${blocks.length}: blocks begin in their order`);
  const before = blocks[event.block];
  if (event.event === "tool") return withBlock(blocks, event.block, event.tool);
  if (before && before.type !== "text") throw new RangeError(`block ${event.block} is a tool's, not text`);
  const text = before?.text ?? "";
  if (event.at > text.length)
    throw new RangeError(`text at ${event.at} of ${text.length}: a part is missing`);
  const after = text.slice(0, event.at) + event.text;
  return after.length < text.length ? blocks : withBlock(blocks, event.block, { type: "text", text: after });
}

function withBlock(blocks: readonly Block[], at: number, block: Block): readonly Block[] {
  return at === blocks.length ? [...blocks, block] : blocks.with(at, block);
}
