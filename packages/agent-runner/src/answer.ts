import type { RunEvent, RunUsage, ToolBlock } from "@stagefold/core";
import type { SecretMask } from "@stagefold/node-files";
import type { Made } from "./made-files.ts";

/** UTF-16 units of text in one answer; a process that says more has lost its way. */
const MAX_TEXT = 1024 * 1024;
/** Uses of tools in one answer, and the UTF-16 units of their names, inputs and outputs together. */
const MAX_TOOLS = 1000;
const MAX_TOOL_TEXT = 32 * 1024 * 1024;

const NONE: Made = { files: [] };

const isEmpty = ({ files, left_out }: Made): boolean => files.length === 0 && left_out === undefined;

/** Without fields that say nothing. */
function withFiles({ files, left_out }: Made): Pick<ToolBlock, "files" | "left_out"> {
  return { ...(files.length > 0 && { files: [...files] }), ...(left_out !== undefined && { left_out }) };
}

/**
 * Turns what happens into events, with the numbers of blocks and places in them; silent once it is closed. Secrets are
 * masked here, before anything of them is shown or kept, also those that come piece by piece.
 */
export class Answer {
  readonly #onEvent: (event: RunEvent) => void;
  readonly #mask: SecretMask;
  readonly #tools = new Map<string, { readonly block: number; readonly tool: ToolBlock }>();
  #blocks = 0;
  /** Length of the text block that is being written; undefined after a tool. */
  #at: number | undefined;
  #length = 0;
  #toolLength = 0;
  /** The end of what was said, which may be the beginning of a secret, or of a character. */
  #rest = "";
  #closed = false;
  firstTextAt: string | undefined;
  usage: RunUsage = {
    input_tokens: 0,
    output_tokens: 0,
    cached_tokens: 0,
    tool_calls: 0,
    steps: 0,
    cost_usd: 0,
  };

  constructor(onEvent: (event: RunEvent) => void, mask: SecretMask) {
    this.#onEvent = onEvent;
    this.#mask = mask;
  }

  /** False when the answer has become too long. */
  text(given: string): boolean {
    if (this.#closed) return true;
    this.#length += given.length;
    if (this.#length > MAX_TEXT) return false;
    const all = this.#rest + given.replaceAll("\0", "");
    // A piece may end within a character: its first half waits for the second. A lone half cannot be stored.
    const half = /[\ud800-\udbff]$/.test(all) ? 1 : 0;
    const from = this.#mask.heldFrom(all.slice(0, all.length - half));
    this.#rest = all.slice(from);
    this.#say(all.slice(0, from));
    return true;
  }

  /** What was held back turned out to be no secret: something else comes now. */
  #flush(): void {
    const rest = this.#rest;
    this.#rest = "";
    this.#say(rest);
  }

  #say(text: string): void {
    if (text === "") return;
    const shown = this.#mask.text(text).toWellFormed();
    this.firstTextAt ??= new Date().toISOString();
    if (this.#at === undefined) {
      this.#at = 0;
      this.#blocks++;
    }
    this.#emit({ event: "text", block: this.#blocks - 1, at: this.#at, text: shown });
    this.#at += shown.length;
  }

  /** False when the answer has too many tools, or what they take and say has become too long. */
  toolStarted(id: string, name: string, input: unknown): boolean {
    if (this.#closed || this.#tools.has(id)) return true;
    this.#toolLength += id.length + name.length + (JSON.stringify(input)?.length ?? 0);
    if (this.#tools.size >= MAX_TOOLS || this.#toolLength > MAX_TOOL_TEXT) return false;
    this.#flush();
    this.#at = undefined;
    const tool: ToolBlock = {
      type: "tool",
      id: this.#mask.text(id),
      name: this.#mask.text(name),
      input: this.#mask.value(input),
      output: null,
      status: "running",
    };
    const block = this.#blocks++;
    this.#tools.set(id, { block, tool });
    this.usage = { ...this.usage, tool_calls: this.usage.tool_calls + 1 };
    this.#emit({ event: "tool", block, tool });
    return true;
  }

  /** False as with `toolStarted`: the tool still runs then. */
  toolEnded(id: string, status: "completed" | "failed", output: string, made: Made = NONE): boolean {
    if (this.#closed || this.#tools.get(id)?.tool.status !== "running") return true;
    this.#toolLength += output.length;
    if (this.#toolLength > MAX_TOOL_TEXT) return false;
    this.#endTool(id, status, output, made);
    return true;
  }

  /** Files that were written at no certain time: they are the last tool's, or stand for themselves. */
  made(made: Made): void {
    if (this.#closed || isEmpty(made)) return;
    const last = [...this.#tools.keys()].at(-1) ?? "files";
    const started = this.#tools.get(last);
    if (started === undefined) {
      this.toolStarted(last, "files", null);
      this.#endTool(last, "completed", "", made);
      return;
    }
    const { block, tool: before } = started;
    const tool = { ...before, ...withFiles({ ...made, files: [...(before.files ?? []), ...made.files] }) };
    this.#tools.set(last, { block, tool });
    this.#emit({ event: "tool", block, tool });
  }

  #endTool(id: string, status: "completed" | "failed", output: string, made: Made = NONE): void {
    const started = this.#tools.get(id);
    if (this.#closed || started?.tool.status !== "running") return;
    const shown = this.#mask.text(output.replaceAll("\0", "")).toWellFormed();
    const tool: ToolBlock = { ...started.tool, status, output: shown, ...withFiles(made) };
    this.#tools.set(id, { block: started.block, tool });
    this.#emit({ event: "tool", block: started.block, tool });
  }

  used(usage: Partial<RunUsage>): void {
    this.usage = { ...this.usage, ...usage };
    if (!this.#closed) this.#emit({ event: "usage", usage: this.usage });
  }

  /** Tools that still run have failed for this reason; nothing is emitted from now on. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#flush();
    for (const [id, { tool }] of this.#tools)
      if (tool.status === "running") this.#endTool(id, "failed", reason);
    this.#closed = true;
  }

  #emit(event: RunEvent): void {
    this.#onEvent(event);
  }
}
