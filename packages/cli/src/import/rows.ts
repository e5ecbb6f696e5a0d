import { join, resolve } from "node:path";
import type { ImportSummary, Source } from "@stagefold/migrate";
import type { OpenTable } from "@stagefold/runtime";
import type { Cli } from "../cli.ts";
import type { ImportCommandOptions } from "../commands/import.ts";
import { CliError, EXIT } from "../exit.ts";
import { withTable } from "../table.ts";
import { escaped } from "../view/escape.ts";
import { plural } from "../view/format.ts";
import { openSourceTables } from "./tables.ts";

/** Between two notes on how far a run is. */
const NOTE_MS = 2000;

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
      records: table.agentRecords,
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

/** A run without writes writes no report either, unless an option says where. */
export function reportTo(cli: Cli, options: ImportCommandOptions): { report?: string } {
  if (options.report !== undefined) return { report: resolve(options.report) };
  if (options.dryRun) return {};
  const time = new Date().toISOString().replaceAll(":", "-");
  return { report: join(importFolder(cli), `report-${time}.jsonl`) };
}

/** What an import did, for people. */
function summaryLines(
  summary: ImportSummary,
  { requests, seconds }: { readonly requests: number; readonly seconds: number },
): string[] {
  const { read, projects, agents, sessions, dry_run, not_merged } = summary;
  const would = dry_run ? "would be " : "";
  const reasons = Object.entries(not_merged).filter(([, count]) => count > 0);
  return [
    `${plural(summary.rows, "row")}: ${kindsOf(read)}`,
    `${would}merged: ${summary.merged}${summary.deferred.merged > 0 ? `, and ${summary.deferred.merged} deferred earlier` : ""}`,
    ...reasons.map(([reason, count]) => `${reason}: ${count}`),
    `projects: ${projects.created} ${would}created, ${projects.changed} ${would}changed, ${projects.unchanged} unchanged`,
    ...(read.agent + read.session + read.message + read.invocation > 0
      ? [
          `agents: ${agents.created} ${would}created, ${agents.changed} ${would}changed, ${agents.unchanged} unchanged`,
          `sessions: ${sessions.created} ${would}created, ${sessions.changed} ${would}changed, ${sessions.unchanged} unchanged; ${plural(summary.turns, "turn")}, ${plural(summary.invocations, "invocation")}`,
        ]
      : []),
    ...(summary.report === null ? [] : [`rows that were not merged: ${escaped(summary.report)}`]),
    ...(isUnchanged(summary) && !summary.interrupted ? ["nothing changed"] : []),
    ...(summary.interrupted ? ["stopped before its end; run it again to continue"] : []),
    `${plural(requests, "request")} in ${seconds.toFixed(1)} s`,
  ];
}

/** Rows by the table that they are of; those of builds always, the others where there are some. */
function kindsOf(read: ImportSummary["read"]): string {
  const more = [
    [read.agent, "of agents"],
    [read.session, "of sessions"],
    [read.message, "of messages"],
    [read.invocation, "of invocations"],
    [read.unreadable, "that are none"],
  ] as const;
  return [
    `${read.project} of projects, ${read.stage} of stages, ${read.artifact} of artifacts`,
    ...more.flatMap(([count, of]) => (count > 0 ? [`${count} ${of}`] : [])),
  ].join(", ");
}

function isUnchanged({ projects, agents, sessions, invocations }: ImportSummary): boolean {
  const changes = [projects, agents, sessions].map(({ created, changed }) => created + changed);
  return invocations + changes.reduce((sum, one) => sum + one, 0) === 0;
}

/** Says on stderr now and then how far a long run is; nothing with --json. */
export class Progress {
  readonly #cli: Cli;
  #last = performance.now();

  constructor(cli: Cli) {
    this.#cli = cli;
  }

  show(text: string): void {
    const now = performance.now();
    if (this.#cli.json || now - this.#last < NOTE_MS) return;
    this.#last = now;
    this.#cli.terminal.note(`${text} …`);
  }
}
