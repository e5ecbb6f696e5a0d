import type { LogLine } from "./api.ts";

/** A complete line of a log, or one that has no end yet. */
export type WholeLine = Omit<LogLine, "end" | "number">;

/**
 * Puts the lines of a log together from the entries of `stages.logs` and `stages.watchLogs`: an entry with an empty
 * `end` is continued by the next one of its stream, one with `\r` gives way to it. Lines come in the order in which they
 * ended, so that a reader who follows a log and one who reads it later see the same.
 */
export class LogLines {
  readonly #open = new Map<
    string,
    { readonly first: LogLine; readonly parts: string[]; rewritten: boolean }
  >();

  /** The lines that these entries have ended. */
  add(entries: readonly LogLine[]): WholeLine[] {
    const ended: WholeLine[] = [];
    for (const entry of entries.map(withCut)) {
      const key = entry.stream ?? "";
      const begun = this.#open.get(key);
      if (begun === undefined && entry.end === undefined) {
        ended.push(entry);
        continue;
      }
      const line = begun ?? { first: entry, parts: [], rewritten: false };
      if (line.rewritten && entry.text !== "") line.parts.length = 0;
      line.parts.push(entry.text);
      line.rewritten = entry.end === "\r";
      if (entry.end !== undefined) this.#open.set(key, line);
      else {
        this.#open.delete(key);
        ended.push(whole(line));
      }
    }
    return ended;
  }

  /** The lines that have begun and not ended, one of each stream at most: to be shown below the others. */
  get open(): WholeLine[] {
    return [...this.#open.values()].map(whole);
  }

  /** What has not ended, as lines of their own: for the end of a log. */
  end(): WholeLine[] {
    const { open } = this;
    this.#open.clear();
    return open;
  }
}

/** Characters after which workers before 0.3 cut a line, or one less, in logs whose lines have no stream. */
const CUT_AT = 64 * 1024;

function withCut(entry: LogLine): LogLine {
  const { stream, text, end } = entry;
  const isCut = text.length === CUT_AT || text.length === CUT_AT - 1;
  return stream === undefined && end === undefined && isCut ? { ...entry, end: "" } : entry;
}

function whole({ first, parts }: { readonly first: LogLine; readonly parts: readonly string[] }): WholeLine {
  const { at, stream } = first;
  return { text: parts.join(""), ...(at !== undefined && { at }), ...(stream !== undefined && { stream }) };
}
