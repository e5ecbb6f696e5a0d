import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type ExportSize, type LegacyTable, legacyExport } from "@stagefold/migrate/testing";

export const LEGACY_TABLES = ["AgentProjects", "AgentArtifacts", "BuildStages"] as const;

/** Exports of the older tables as "Export to S3" lays them out; the path of each table's folder. */
export async function writeExport(folder: string, size: ExportSize): Promise<Record<LegacyTable, string>> {
  const paths = { AgentProjects: "", AgentArtifacts: "", BuildStages: "" };
  for (const table of LEGACY_TABLES) {
    const root = join(folder, table, "AWSDynamoDB", "01700000000000-0123abcd");
    await mkdir(join(root, "data"), { recursive: true });
    await writeFile(join(root, "manifest-summary.json"), '{"version":"2020-06-30"}\n');
    await writeFile(join(root, "_started"), "");
    const lines = [...legacyExport(table, size)].map((line) => `${line}\n`);
    const half = Math.ceil(lines.length / 2);
    await writeFile(join(root, "data", "a.json.gz"), gzipSync(lines.slice(0, half).join("")));
    await writeFile(join(root, "data", "b.json.gz"), gzipSync(lines.slice(half).join("")));
    paths[table] = join(folder, table);
  }
  return paths;
}
