import type { SnapshotFormat } from "@stagefold/core";
import { describeTable } from "@stagefold/core/dynamodb";
import type { OpenTable } from "@stagefold/runtime";
import { plural, size } from "../view/format.ts";
import type { Finding, Step } from "./findings.ts";
import { countItems, type ItemCounts } from "./items.ts";
import { type LegacyTable, legacyTables } from "./legacy-tables.ts";
import { shapeOf } from "./shape.ts";

export interface Diagnosis {
  /** Whether there is nothing to do. */
  readonly ok: boolean;
  readonly table: string;
  /** Whether the builds are in SQLite. */
  readonly database: boolean;
  /** The database's file, or where DynamoDB is. */
  readonly place: string;
  readonly findings: readonly Finding[];
  readonly items: ItemCounts | null;
  readonly separate_tables: readonly LegacyTable[];
  /** In the order they are to be done. */
  readonly next: readonly Step[];
}

export interface DiagnosisOptions {
  /** Items and rows of each table to look at; all of them without it. */
  readonly atMost: number | undefined;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Looks at a table and what is beside it. Read only. Errors: STORE_UNAVAILABLE. */
export async function diagnose(table: OpenTable, options: DiagnosisOptions): Promise<Diagnosis> {
  const { atMost, nowMs, signal } = options;
  const about = { table: table.table, database: table.client === undefined, place: table.place };
  const findings = table.client
    ? await tableFindings(table.client, table.table)
    : await databaseFindings(table);
  if (findings.length === 0) {
    const kind = table.client ? "table" : "database";
    const none: Finding[] = [{ level: "note", about: kind, text: "there is none of this name yet" }];
    const next = [{ command: "npm start", why: `makes the ${kind} and serves it` }];
    return { ok: false, ...about, findings: none, items: null, separate_tables: [], next };
  }
  if (findings.some(({ level, about }) => level === "problem" && about === "key")) {
    const next = [
      { command: "STAGEFOLD_TABLE=… stagefold doctor", why: "this is no table of projects; name another" },
    ];
    return { ok: false, ...about, findings, items: null, separate_tables: [], next };
  }
  const items = await countItems(table, atMost, nowMs, signal);
  const separate = await legacyTables(table, atMost, signal);
  findings.push(...itemFindings(items), ...separate.map(separateFinding));
  const next = stepsOf(items, separate);
  const ok = next.length === 0 && findings.every(({ level }) => level === "ok" || level === "note");
  return { ok, ...about, findings, items, separate_tables: separate, next };
}

type Client = NonNullable<OpenTable["client"]>;
type Description = NonNullable<Awaited<ReturnType<typeof describeTable>>>;

/** Of the table in DynamoDB; none where there is no table. */
async function tableFindings(client: Client, name: string): Promise<Finding[]> {
  const description = await describeTable(client, name);
  return description ? [tableFinding(description), ...shapeOf(description).findings] : [];
}

/** Of the SQLite file; none where there is no file. */
async function databaseFindings({ exists, bytes = 0, store }: OpenTable): Promise<Finding[]> {
  if (!exists) return [];
  const builds = Object.values(await store.counts()).reduce((sum, count) => sum + count, 0);
  return [{ level: "ok", about: "database", text: `${plural(builds, "build")}, ${size(bytes)}` }];
}

function tableFinding({ ItemCount = 0, TableSizeBytes = 0 }: Description): Finding {
  // DynamoDB counts every few hours.
  const bytes = TableSizeBytes > 0 ? `, ${size(TableSizeBytes)}` : "";
  return { level: "ok", about: "table", text: `about ${plural(ItemCount, "item")}${bytes}` };
}

const FORM_NAMES = {
  current: "in the current version",
  map: "older, a map",
  json_text: "older, JSON text",
  json_text_in_json_text: "older, JSON text within JSON text",
  empty: "older, without stages",
  missing: "older, without a snapshot",
  unreadable: "that cannot be read",
} as const satisfies Record<SnapshotFormat, string>;

function itemFindings(items: ItemCounts): Finding[] {
  const { looked_at, all, forms, overwritten, recent, examples } = items;
  const counted = Object.entries(FORM_NAMES).flatMap(([form, name]) => {
    const count = Object.entries(forms).find(([known]) => known === form)?.[1] ?? 0;
    return count === 0 ? [] : [`${count} ${name}`];
  });
  const seen = `looked at ${all ? "all " : ""}${plural(looked_at, "item")}${all ? "" : " from all parts of the table (--all looks at every one)"}`;
  const findings: Finding[] = [
    {
      level: forms.current === looked_at ? "ok" : "note",
      about: "items",
      text: counted.length === 0 ? seen : `${seen}: ${counted.join("; ")}`,
    },
  ];
  if (overwritten > 0)
    findings.push({
      level: "warning",
      about: "older writer",
      text: `${plural(overwritten, "item")} had the current version and ${overwritten === 1 ? "was" : "were"} written over in a legacy format, such as ${examples.written_over.join(", ")}: something still writes whole snapshots into this table, and loses what Stagefold recorded. Stop it first`,
    });
  else if (recent > 0)
    findings.push({
      level: "warning",
      about: "older writer",
      text: `${plural(recent, "item")} in a legacy format changed within the last day, such as ${examples.written_over.join(", ")}: something may still write whole snapshots into this table. Stop it first`,
    });
  if (forms.unreadable > 0)
    findings.push({
      level: "warning",
      about: "unreadable",
      text: `such as ${examples.unreadable.join(", ")}: served as SNAPSHOT_UNREADABLE and never written to; "stagefold export <id>" shows what is there, "stagefold delete <id>" removes it`,
    });
  return findings;
}

function separateFinding(table: LegacyTable): Finding {
  const { kind, looked_at, all, there, lacking, without_place, unusable } = table;
  const rows = `${all ? "" : "the first "}${plural(looked_at, "row")}`;
  if (kind === "BuildStatistics")
    return {
      level: "note",
      about: table.table,
      text: `${rows}; statistics are made of the projects: nothing to import`,
    };
  const parts = [
    `${there} in the snapshots`,
    ...(lacking > 0 ? [`${lacking} that they lack`] : []),
    ...(without_place > 0 ? [`${without_place} of projects or stages that are not there`] : []),
    ...(unusable > 0 ? [`${unusable} without a path, or unreadable`] : []),
  ];
  return {
    level: lacking > 0 ? "warning" : "note",
    about: table.table,
    text: `${rows}: ${parts.join(", ")}`,
  };
}

function stepsOf(
  { forms, looked_at, overwritten, recent }: ItemCounts,
  separate: readonly LegacyTable[],
): Step[] {
  const older = looked_at - forms.current - forms.unreadable;
  const lacking = separate.filter((table) => table.lacking > 0);
  const steps: Step[] = [];
  if (overwritten + recent > 0)
    steps.push({ command: "stagefold doctor", why: "again, once what writes legacy formats is stopped" });
  if (lacking.length > 0) {
    const tables = lacking.map(({ table }) => `--from-table ${table}`).join(" ");
    steps.push({ command: `stagefold import ${tables}`, why: "merges the rows that the snapshots lack" });
  }
  if (older > 0)
    steps.push({
      command: "stagefold import --in-place",
      why: "brings every item to the current version, so that lists know them all",
    });
  return steps;
}
