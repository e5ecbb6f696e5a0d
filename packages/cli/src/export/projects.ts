import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type RawItem, toDynamoJson, toPlain } from "@stagefold/core/dynamodb";
import type { OpenTable } from "@stagefold/runtime";
import type { Cli } from "../cli.ts";
import { CliError, EXIT } from "../exit.ts";
import { saveFile } from "../save.ts";
import type { Format } from "./formats.ts";

export interface Exported {
  readonly exported: number;
  /** Items that plain JSON does not keep exactly. */
  readonly inexact: number;
  /** Items that point at lists, outputs or histories in the artifact store. */
  readonly with_files: number;
  /** The file; undefined for stdout. */
  readonly file: string | undefined;
}

/** Writes whole items, as they are stored, whatever form they have. All of the table unless ids are given. */
export async function exportProjects(
  cli: Cli,
  table: OpenTable,
  ids: readonly string[],
  format: Format,
  to: string | undefined,
): Promise<Exported> {
  const counts = { exported: 0, inexact: 0, with_files: 0 };
  const pages = ids.length > 0 ? named(table, ids) : all(table, cli.signal);
  const lines = linesOf(pages, format, counts);
  const file = to === undefined ? undefined : await fileOf(to, table.table, format);
  if (file === undefined)
    await pipeline(Readable.from(lines), cli.terminal.stdout, { signal: cli.signal, end: false });
  else await saveFile(file, async () => (file.endsWith(".gz") ? zipped(lines, cli.signal) : lines), cli);
  return { ...counts, file };
}

/** A folder gets a file that is named after the table. */
async function fileOf(to: string, table: string, format: Format): Promise<string> {
  const isFolder = to.endsWith("/") || (await isDirectory(to));
  return isFolder ? join(to, `${table}.${format === "jsonl" ? "jsonl" : "json"}`) : to;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Not there, or not readable: the write reports why.
    return false;
  }
}

function zipped(lines: AsyncIterable<string>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const gzip = createGzip();
  // What goes wrong ends the stream with it, and so reaches its reader.
  Readable.from(lines, { signal })
    .on("error", (error) => gzip.destroy(error))
    .pipe(gzip);
  return gzip;
}

async function* all(table: OpenTable, signal: AbortSignal): AsyncGenerator<readonly RawItem[]> {
  yield* table.scan({ signal });
  signal.throwIfAborted();
}

async function* named(table: OpenTable, ids: readonly string[]): AsyncGenerator<readonly RawItem[]> {
  for (const id of ids) {
    const item = await table.getRaw(id);
    if (!item) throw new CliError(`there is no build ${id} in ${table.place}`, EXIT.failed);
    yield [item];
  }
}

type Counts = { exported: number; inexact: number; with_files: number };

async function* linesOf(
  pages: AsyncIterable<readonly RawItem[]>,
  format: Format,
  counts: Counts,
): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((item) => lineOf(item, format, counts)).join("");
}

function lineOf(raw: RawItem, format: Format, counts: Counts): string {
  const { item, exact } = toPlain(raw);
  counts.exported += 1;
  if (REFERENCES.test(JSON.stringify(item.stages_snapshot ?? ""))) counts.with_files += 1;
  if (format === "dynamodb") return `{"Item":${toDynamoJson(raw)}}\n`;
  if (!exact) counts.inexact += 1;
  return `${JSON.stringify(item)}\n`;
}

/** Names of documents that the item keeps in place of what is too large for it. */
const REFERENCES = /"(?:artifact_manifest|history_ref|output_ref)":"/;
