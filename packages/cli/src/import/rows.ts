import { join, resolve } from "node:path";
import type { ImportSummary, Source } from "@stagefold/migrate";
import type { OpenTable } from "@stagefold/runtime";
import type { Cli } from "../cli.ts";
import type { ImportCommandOptions } from "../commands/import.ts";
import { CliError, EXIT } from "../exit.ts";
import { withTable } from "../table.ts";
import { escaped } from "../view/escape.ts";
import { Progress } from "./progress.ts";
import { summaryLines } from "./summary-lines.ts";
import { openSourceTables } from "./tables.ts";

/** Imports files and live tables. Every row is accounted for, so it ends well however many were not merged. */
export async function importRows(
  cli: Cli,
  paths: readonly string[],
  options: ImportCommandOptions,
): Promise<number> {
  const { findFiles, SourceError } = await import("@stagefold/migrate");
  try {
    const files = await findFiles(paths);
    for (const path of files.leftAside)
      cli.terminal.note(`left aside, Amazon Ion is not read: ${escaped(path)}`);
    const { summary, requests, seconds } = await inTable(cli, options, files.sources, files.leftAside);
    if (cli.json) cli.terminal.json({ ...summary, requests, seconds });
    else cli.terminal.lines(summaryLines(summary, { requests, seconds }));
    return summary.interrupted ? EXIT.interrupted : EXIT.done;
  } catch (error) {
    if (error instanceof SourceError)
      throw new CliError(`${error.message}; nothing was imported`, EXIT.failed, { cause: error });
    throw error;
  }
}

interface Done {
  readonly summary: ImportSummary;
  readonly requests: number;
  readonly seconds: number;
}

async function inTable(
  cli: Cli,
  options: ImportCommandOptions,
  files: readonly Source[],
  leftAside: readonly string[],
): Promise<Done> {
  const { runImport } = await import("@stagefold/migrate");
  const from = performance.now();
  let requests = 0;
  const onRequest = () => {
    requests += 1;
  };
  const dryRun = options.dryRun === true;
  return await withTable(cli, { onRequest, readOnly: dryRun }, async (table: OpenTable) => {
    await using live = await openSourceTables(cli, table, options);
    const progress = new Progress(cli);
    const summary = await runImport({
      sources: [...files, ...live.sources],
      repository: table.repository,
      folder: importFolder(cli),
      rules: { orphans: options.orphans, unknownStage: options.unknownStage },
      dryRun,
      ...reportTo(cli, options),
      leftAside,
      signal: cli.signal,
      onProgress: ({ phase, done, total }) =>
        progress.show(phase === "reading" ? `read ${done} rows` : `placed ${done} of ${total} rows`),
    });
    return { summary, requests, seconds: Math.round(performance.now() - from) / 1000 };
  });
}

/** Where an import keeps what is not in the table. */
export function importFolder(cli: Cli): string {
  return resolve(cli.env.dataDir, "import");
}

/** A run without writes writes no report either, unless it is told where. */
export function reportTo(cli: Cli, options: ImportCommandOptions): { report?: string } {
  if (options.report !== undefined) return { report: resolve(options.report) };
  if (options.dryRun) return {};
  const time = new Date().toISOString().replaceAll(":", "-");
  return { report: join(importFolder(cli), `report-${time}.jsonl`) };
}
