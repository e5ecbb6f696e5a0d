import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentRecords, Repository } from "@stagefold/core";
import { AgentsImport } from "../agents/import-agents.ts";
import { importGroup } from "../agents/import-session.ts";
import type { Rules } from "../merge/merge-rows.ts";
import { AGENT_GROUP, type AgentsRow } from "../rows/agents-row.ts";
import { UnreadableRow } from "../rows/dynamo-json.ts";
import { readRow } from "../rows/read-row.ts";
import type { Row } from "../rows/row.ts";
import type { Source, SourceLine } from "../source/source.ts";
import type { Groups } from "../spill/buckets.ts";
import { DeferredRows } from "./deferred-rows.ts";
import { type ImportRun, importProject } from "./import-project.ts";
import { type ImportSummary, SummaryCounter } from "./import-summary.ts";
import { mapSeveral } from "./map-several.ts";
import { ReportFile } from "./report-file.ts";
import { SortedRows } from "./sorted-rows.ts";
import { lockFolder, makeWorkFolder } from "./work-folder.ts";

/** How far a run is, in rows. `total` is known once all have been read. */
export interface ImportProgress {
  readonly phase: "reading" | "merging";
  readonly done: number;
  readonly total?: number;
}

export interface ImportOptions {
  readonly sources: readonly Source[];
  readonly repository: Repository;
  /** Where agents, their sessions and invocations go. */
  readonly records: AgentRecords;
  /** Keeps rows deferred until their project comes, and rows on their way while a run lasts. */
  readonly folder: string;
  readonly rules?: Partial<Rules>;
  /** Writes nothing: neither to the table nor to the folder. */
  readonly dryRun?: boolean;
  /** Where the rows that are not merged are named; without it nowhere. */
  readonly report?: string;
  readonly leftAside?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** Projects that one request asks for, and that are written at the same time. */
const AT_ONCE = { read: 100, written: 16 } as const;

/**
 * Brings projects and rows of older tables into the table: reads all sources first, so that a broken one changes
 * nothing, then writes each project, agent and session once. Memory does not grow with the input. Safe to stop and run
 * again. Errors: SourceError; ReportError; ImportRunningError; STORE_UNAVAILABLE and the like from the stores.
 */
export async function runImport(options: ImportOptions): Promise<ImportSummary> {
  const { sources, repository, records, folder, signal, dryRun = false } = options;
  await using _lock = dryRun ? undefined : await lockFolder(folder);
  const deferredRows = new DeferredRows(join(folder, "waiting"));
  const deferredSessions = new DeferredRows(join(folder, "waiting-sessions"));
  if (!dryRun) await Promise.all([deferredRows.sweep(), deferredSessions.sweep()]);
  const rules: Rules = { orphans: "wait", unknownStage: "wait", ...options.rules };
  const report = await ReportFile.open(options.report);
  const summary = new SummaryCounter(report);
  const sorted = new SortedRows(await makeWorkFolder(dryRun ? tmpdir() : folder));
  try {
    for (const source of sources)
      for await (const line of source.lines(signal)) {
        await spillRow(line, source.name, sorted, summary);
        if (summary.rows % 1000 === 0) options.onProgress?.({ phase: "reading", done: summary.rows });
      }
    for await (const rows of deferredSessions.all()) await sorted.remind(rows);
    const importing: ImportRun = { repository, rules, dryRun, upgrade: false, deferredRows, summary };
    for await (const groups of sorted.groups("builds")) await importGroups(importing, groups, options);
    const now = repository.now();
    const agents = new AgentsImport({ records, rules, dryRun, summary, deferredRows: deferredSessions, now });
    // Agents first: sessions need them.
    for (const kind of ["agents", "sessions"] as const)
      for await (const groups of sorted.groups(kind)) await importAgentGroups(agents, groups, options);
  } finally {
    await sorted.remove();
    await report.close();
  }
  const interrupted = signal?.aborted === true;
  return summary.finish({ dry_run: dryRun, interrupted, left_aside: options.leftAside ?? [] });
}

/** A row goes where its project's, agent's or session's rows are gathered; what is no row is accounted for at once. */
async function spillRow(
  { line, text }: SourceLine,
  source: string,
  sorted: SortedRows,
  summary: SummaryCounter,
): Promise<void> {
  const origin = { source, line };
  let row: Row | AgentsRow;
  try {
    if (text === undefined) throw new UnreadableRow("expected a row, found a line of over 16 MB");
    row = readRow(text, origin);
  } catch (error) {
    if (!(error instanceof UnreadableRow)) throw error;
    summary.read("unreadable");
    await summary.notMerged({ ...origin, reason: "unreadable", detail: error.message });
    return;
  }
  summary.read(row.kind);
  await sorted.add(row);
}

async function importAgentGroups(
  importing: AgentsImport,
  groups: Groups,
  { signal, onProgress }: ImportOptions,
): Promise<void> {
  const { summary } = importing.options;
  await mapSeveral([...groups.keys()], AT_ONCE.written, signal, async (group) => {
    const rows = groups.get(group) ?? [];
    if (group.startsWith(AGENT_GROUP)) await importing.agents(rows);
    else await importGroup(importing, group, rows);
  });
  onProgress?.({ phase: "merging", done: summary.settled, total: summary.rows });
}

async function importGroups(importing: ImportRun, groups: Groups, options: ImportOptions): Promise<void> {
  const { repository, summary } = importing;
  const ids = [...groups.keys()];
  for (let at = 0; at < ids.length && options.signal?.aborted !== true; at += AT_ONCE.read) {
    const some = ids.slice(at, at + AT_ONCE.read);
    const items = await repository.store.getMany(some);
    const stored = new Map(items.map((item) => [item.project_id, item]));
    await mapSeveral(some, AT_ONCE.written, options.signal, async (id) => {
      await importProject(importing, id, groups.get(id) ?? [], stored.get(id));
    });
    options.onProgress?.({ phase: "merging", done: summary.settled, total: summary.rows });
  }
}
