import {
  type AttemptRef,
  checkedAttempt,
  checkedCount,
  type LogChunk,
  type LogLine,
  type LogPage,
  type LogStore,
  packLine,
  preview,
  type ReportedLine,
  StagefoldError,
  unpackLine,
} from "@stagefold/core";
import { column, type Database } from "./database.ts";
import { toColumn } from "./text.ts";

/** Characters of a page, however many lines are asked for. */
const PAGE_LENGTH = 4 * 1024 * 1024;

/** The full logs in the database of their projects: one row for each write that brought lines. */
export class SqliteLogStore implements LogStore {
  readonly #database: Database;
  /** The chunk that was read last: a reader of pages reads a large one many times. */
  #last: { readonly text: unknown; readonly lines: readonly unknown[] } = { text: undefined, lines: [] };

  constructor(database: Database) {
    this.#database = database;
  }

  async append(ref: AttemptRef, seq: number, lines: readonly ReportedLine[]): Promise<void> {
    await this.#database.write(() => {
      writeLines(this.#database, { ...ref, seq, lines });
      return { keep: true };
    });
  }

  async read(
    ref: AttemptRef,
    options: { readonly cursor?: string | undefined; readonly limit: number; readonly upTo: number },
  ): Promise<LogPage> {
    const { cursor = "0:0", upTo } = options;
    const limit = checkedCount(options.limit, "limit");
    if (limit === 0) throw invalid("limit: expected at least 1, found 0", "limit");
    const from = parseCursor(cursor);
    const key = keyOf(ref);
    return this.#database.read(() => {
      const rows = this.#database
        .sql(
          `SELECT seq, lines FROM logs
           WHERE project_id = ? AND stage = ? AND attempt = ? AND seq >= ? AND seq <= ? ORDER BY seq`,
        )
        .iterate(...key, from.seq, upTo);
      const lines: LogLine[] = [];
      let length = 0;
      let at = from;
      for (const row of rows) {
        const seq = Number(column(row, "seq"));
        const chunk = this.#parsed(column(row, "lines"));
        for (let line = seq === from.seq ? from.line : 0; line < chunk.length; line++) {
          // One line more than the page takes: it is not the end.
          if (lines.length === limit || length >= PAGE_LENGTH)
            return { lines, cursor: `${at.seq}:${at.line}`, end: false };
          const found = unpackLine(chunk[line]) ?? { text: String(chunk[line]) };
          lines.push(found);
          length += found.text.length;
          at = { seq, line: line + 1 };
        }
      }
      return { lines, cursor: `${at.seq}:${at.line}`, end: true };
    });
  }

  #parsed(text: unknown): readonly unknown[] {
    if (text !== this.#last.text) this.#last = { text, lines: parseLines(text) };
    return this.#last.lines;
  }

  async removeProject(projectId: string): Promise<void> {
    await this.#database.write(() => {
      this.#database.sql("DELETE FROM logs WHERE project_id = ?").run(toColumn(projectId));
      return { keep: true };
    });
  }
}

/** Within a transaction. A chunk that is written again replaces the one of the same number. */
export function writeLines(database: Database, { seq, lines, ...ref }: LogChunk): void {
  database
    .sql(
      `INSERT INTO logs (project_id, stage, attempt, seq, lines) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET lines = excluded.lines`,
    )
    .run(...keyOf(ref), checkedCount(seq, "seq"), JSON.stringify(lines.map(packLine)));
}

function keyOf(ref: AttemptRef): [string, string, number] {
  const { project_id, stage, attempt } = checkedAttempt(ref);
  return [project_id, stage, attempt];
}

/** Unpacked one by one where they are read: a chunk may have thousands that a page does not take. */
function parseLines(text: unknown): unknown[] {
  const stored: unknown = JSON.parse(String(text));
  return Array.isArray(stored) ? stored : [];
}

/** Where a reader continues: behind this many lines of the chunk of this number, or in the first chunk after it. */
function parseCursor(text: string): { readonly seq: number; readonly line: number } {
  const [, seq, line] = /^(\d{1,15}):(\d{1,15})$/.exec(text) ?? [];
  if (seq === undefined || line === undefined)
    throw invalid(`cursor: expected one that an earlier page gave, found ${preview(text)}`, "cursor");
  return { seq: Number(seq), line: Number(line) };
}

function invalid(message: string, field: string) {
  return new StagefoldError("INVALID_INPUT", message, { issues: [field] });
}
