import { addressOfRef, artifactRoute, type Turn, type TurnEvent } from "@stagefold/client";
import type { Cli } from "../cli.ts";
import { escaped } from "./escape.ts";
import { duration, size } from "./format.ts";

type ToolBlock = Extract<Turn["blocks"][number], { type: "tool" }>;

/** Text to stdout as it comes, everything else beside it. What an agent says moves no cursor and turns no text around. */
export class AnswerPrinter {
  readonly #cli: Cli;
  /** Whose files are named by their addresses; undefined where they are saved. */
  readonly #linked: { readonly turn?: number } | undefined;
  readonly #named = new Set<string>();
  #printed: string[] = [];
  #atLineStart = true;

  constructor(cli: Cli, linked: { readonly turn?: number } | undefined) {
    this.#cli = cli;
    this.#linked = linked;
  }

  take(event: TurnEvent): void {
    if (this.#cli.json) return;
    switch (event.event) {
      case "turn":
        for (const [at, block] of event.turn.blocks.entries())
          if (block.type === "text") this.#text(at, block.text);
          else this.#tool(block);
        break;
      case "text":
        this.#text(event.block, (this.#printed[event.block] ?? "").slice(0, event.at) + event.text);
        break;
      case "tool":
        this.#tool(event.tool);
        break;
      case "usage":
        break;
      case "end":
        this.#end(event);
        break;
      default:
        event satisfies never;
    }
  }

  /** What of the block's text is not printed yet. */
  #text(block: number, text: string): void {
    const known = this.#printed[block] ?? "";
    if (!text.startsWith(known)) return;
    this.#printed[block] = text;
    const added = text.slice(known.length);
    if (added === "") return;
    this.#cli.terminal.stdout.write(added.split("\n").map(escaped).join("\n"));
    this.#atLineStart = added.endsWith("\n");
  }

  /** How a call ended, and what it wrote, each once: a call comes again when its files are known later. */
  #tool({ id, name, status, files = [], left_out }: ToolBlock): void {
    if (status === "running") return;
    if (!this.#named.has(id)) this.#note(`[${name}: ${status}]`);
    this.#named.add(id);
    for (const file of this.#linked ? files : []) {
      if (this.#named.has(file.ref)) continue;
      this.#named.add(file.ref);
      const address = `${this.#cli.client.url}${artifactRoute(addressOfRef(file.ref, this.#linked))}`;
      this.#note(`[${file.name}, ${size(file.size)}: ${address}]`);
    }
    if (left_out !== undefined && !this.#named.has(left_out)) {
      this.#named.add(left_out);
      this.#note(`[${left_out}]`);
    }
  }

  #end({ status, error, duration_ms, usage }: Extract<TurnEvent, { event: "end" }>): void {
    this.#newLine();
    const tokens = usage.input_tokens + usage.output_tokens;
    const spent = tokens === 0 ? "" : `, ${tokens} tokens, $${usage.cost_usd.toFixed(4)}`;
    if (status === "completed") this.#note(`[${duration(duration_ms / 1000)}${spent}]`);
    else this.#cli.terminal.note(escaped(`${status}${error ? `: ${error.message} (${error.code})` : ""}`));
  }

  readonly onConnection = (state: "connected" | "lost"): void => {
    if (state === "lost") this.#note("connection lost; connecting again …");
  };

  /** After a Ctrl-C that did not reach the API. */
  unstopped(id: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#note(`not stopped: ${reason}; to try again: stagefold stop ${id}`);
  }

  #note(text: string): void {
    if (this.#cli.json) return;
    this.#newLine();
    this.#cli.terminal.note(this.#cli.terminal.paint.dim(escaped(text)));
  }

  #newLine(): void {
    if (!this.#atLineStart) this.#cli.terminal.stdout.write("\n");
    this.#atLineStart = true;
  }
}
