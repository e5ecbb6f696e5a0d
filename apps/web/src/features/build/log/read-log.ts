import { type LogLine, LogLines } from "@stagefold/client";
import type { LogBuffer } from "./buffer.ts";

/** One page of a log; `next_cursor` is null when no more can come. */
export interface LogPage {
  readonly items: readonly LogLine[];
  readonly next_cursor: string | null;
}

/** `reading`: lines that are there already. `following`: all of them read, more may come. `away`: no answer, trying again. */
export type LogState = "reading" | "following" | "away" | "over";

export interface LogSource {
  /** A page after the cursor. */
  ask(cursor: string | undefined): Promise<LogPage>;
  /** Resolves when it is worth asking again, for `failures` refusals in a row. Rejects when the reader has left. */
  wait(failures: number): Promise<void>;
  /** Whether the same request may be answered later. */
  mayPass(error: unknown): boolean;
}

/** Reads a log into the buffer, page by page, until no more can come. Throws what is no passing failure. */
export async function readLog(
  source: LogSource,
  buffer: LogBuffer,
  onState: (state: LogState) => void,
): Promise<void> {
  const lines = new LogLines();
  let cursor: string | undefined;
  let failures = 0;
  onState("reading");
  for (;;) {
    const page = await answer(source, cursor);
    if (page === undefined) {
      failures += 1;
      onState("away");
      await source.wait(failures);
      continue;
    }
    failures = 0;
    const ended = lines.add(page.items);
    if (page.next_cursor === null) ended.push(...lines.end());
    buffer.append(ended, lines.open);
    if (page.next_cursor === null) return onState("over");
    cursor = page.next_cursor;
    if (page.items.length > 0) continue;
    onState("following");
    await source.wait(0);
  }
}

async function answer(source: LogSource, cursor: string | undefined): Promise<LogPage | undefined> {
  try {
    return await source.ask(cursor);
  } catch (error) {
    if (source.mayPass(error)) return undefined;
    throw error;
  }
}
