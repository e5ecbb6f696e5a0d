import { AGENT_LIMITS } from "../../agents/limits.ts";
import { placeOfTurn, refOf, type TurnPlace } from "../../agents/refs.ts";
import type { Block, TextBlock, ToolBlock } from "../../agents/turn-schema.ts";
import type { ArtifactStore } from "../../ports/artifact-store.ts";
import { itemBytes, truncateUtf8, utf8Bytes } from "../../snapshot/limits.ts";
import { jsonObjectSchema, storableText } from "../../snapshot/storable.ts";

/** How much of a text stays where the whole is elsewhere, once a turn has to make room. */
const TEXT_START = 1024;

/**
 * The blocks as the item keeps them: what is too long for it is put into the artifact store whole, and named by `ref`.
 * A turn that is still too large gives away its oldest tool blocks first, then its oldest texts. What was put before is
 * put once.
 */
export class BlockKeeper {
  readonly #artifacts: ArtifactStore;
  readonly #place: TurnPlace;
  readonly #put = new Map<string, string>();

  constructor(artifacts: ArtifactStore, place: TurnPlace) {
    this.#artifacts = artifacts;
    this.#place = place;
  }

  async keep(blocks: readonly Block[], user: object): Promise<Block[]> {
    const kept: Block[] = [];
    for (const [at, block] of blocks.entries())
      kept.push(block.type === "text" ? await this.#text(block, at) : await this.#tool(block, at));
    await this.#makeRoom(kept, blocks, itemBytes({ user }));
    return kept;
  }

  async #text(block: TextBlock, at: number): Promise<TextBlock> {
    const text = storableText(block.text);
    if (utf8Bytes(text) <= AGENT_LIMITS.text) return { ...block, text };
    return { ...block, text: truncateUtf8(text, AGENT_LIMITS.text), ref: await this.#putText(text, at) };
  }

  async #tool(block: ToolBlock, at: number): Promise<ToolBlock> {
    const output = block.output === null ? null : storableText(block.output);
    const input = JSON.stringify(block.input ?? null);
    const isShort = utf8Bytes(input) <= AGENT_LIMITS.toolInput && isStorable(block.input ?? null);
    if (isShort && utf8Bytes(output ?? "") <= AGENT_LIMITS.toolOutput)
      return { ...block, input: block.input ?? null, output };
    const ref = await this.#putTool(block, at);
    return {
      ...block,
      input: isShort ? (block.input ?? null) : storableText(input, AGENT_LIMITS.toolInput),
      output: output === null ? null : storableText(output, AGENT_LIMITS.toolOutput),
      ref,
    };
  }

  /** In `kept`, from the oldest on, until the turn fits. */
  async #makeRoom(kept: Block[], whole: readonly Block[], besides: number): Promise<void> {
    const isTool = (block: Block) => block.type === "tool";
    let tools = kept.filter(isTool).length;
    let bytes = besides + itemBytes({ blocks: kept });
    const replace = (at: number, block: Block) => {
      bytes += itemBytes({ block }) - itemBytes({ block: kept[at] });
      kept[at] = block;
    };
    for (const [at, block] of whole.entries()) {
      if (bytes <= AGENT_LIMITS.openTurn && tools <= AGENT_LIMITS.toolBlocks) return;
      // One that still runs is about to change.
      if (block.type !== "tool" || block.status === "running") continue;
      replace(at, { ...block, input: null, output: null, ref: await this.#putTool(block, at) });
      tools -= 1;
    }
    for (const [at, block] of whole.entries()) {
      if (bytes <= AGENT_LIMITS.openTurn) return;
      if (block.type !== "text" || utf8Bytes(block.text) <= TEXT_START) continue;
      const text = storableText(block.text);
      replace(at, { ...block, text: truncateUtf8(text, TEXT_START), ref: await this.#putText(text, at) });
    }
  }

  #putTool({ input, output }: ToolBlock, at: number): Promise<string> {
    return this.#once(`${at}.json`, JSON.stringify({ input: input ?? null, output }));
  }

  #putText(text: string, at: number): Promise<string> {
    return this.#once(`${at}.txt`, text);
  }

  async #once(name: string, content: string): Promise<string> {
    const place = placeOfTurn(this.#place, "blocks", name);
    if (this.#put.get(name) !== content) {
      await this.#artifacts.put(place, new TextEncoder().encode(content));
      this.#put.set(name, content);
    }
    return refOf(place);
  }
}

function isStorable(input: unknown): boolean {
  return jsonObjectSchema.safeParse({ input }).success;
}

/** The blocks of a turn that has ended: a tool that was still running did not. */
export function endedBlocks(blocks: readonly Block[], why: string): Block[] {
  return blocks.map((block) =>
    block.type === "tool" && block.status === "running"
      ? { ...block, status: "failed", output: block.output ?? why }
      : block,
  );
}
