import { type Command, Option } from "commander";
import type { Cli } from "../cli.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { FORMATS, type Format } from "../export/formats.ts";
import { projectIds } from "../options.ts";
import type { Runner } from "../runner.ts";
import { withTable } from "../table.ts";
import { escaped } from "../view/escape.ts";
import { plural } from "../view/format.ts";

interface ExportOptions {
  readonly format: Format;
  readonly to: string;
  readonly artifacts?: true;
}

export function addExport(program: Command, run: Runner): void {
  program
    .command("export")
    .description("Write builds out as they are stored, or their artifacts. Opens the table itself")
    .argument("[id...]", "these builds; all of the table without any", projectIds)
    .addOption(
      new Option("--format <format>", "JSON lines, or DynamoDB JSON, which keeps every type")
        .choices([...FORMATS])
        .default("jsonl"),
    )
    .option("--to <place>", "a file (gzip if it ends in .gz), a folder, or - for stdout", "-")
    .option("--artifacts", "the artifacts of these builds instead, to a folder or a file that ends in .zip")
    .action((ids: string[] | undefined, options: ExportOptions, command: Command) =>
      run(command, async (cli) => {
        if (options.to === "") throw usageError("--to: expected a file, a folder or -");
        if (options.artifacts) return artifacts(cli, ids ?? [], options.to);
        await projects(cli, ids ?? [], options);
        return undefined;
      }),
    );
}

async function projects(cli: Cli, ids: readonly string[], { format, to }: ExportOptions): Promise<void> {
  const { exportProjects } = await import("../export/projects.ts");
  const done = await withTable(cli, { readOnly: true }, (table) => {
    if (!table.exists) throw new CliError(`there are no builds to export in ${table.place}`, EXIT.failed);
    return exportProjects(cli, table, ids, format, to === "-" ? undefined : to);
  });
  const { exported, inexact, with_files, file } = done;
  if (cli.json && file !== undefined) cli.terminal.json(done);
  if (cli.json) return;
  // Beside the answer: stdout may be the export itself.
  cli.terminal.note(
    `exported ${plural(exported, "build")}${file === undefined ? "" : ` to ${escaped(file)}`}`,
  );
  if (inexact > 0)
    cli.terminal.note(
      `${plural(inexact, "build")} with sets, bytes or long numbers, which JSON does not keep: --format dynamodb does`,
    );
  if (with_files > 0)
    cli.terminal.note(
      `${plural(with_files, "build")} with long lists, outputs or histories in ${escaped(cli.env.files)}: keep that folder too`,
    );
}

async function artifacts(cli: Cli, ids: readonly string[], to: string): Promise<number> {
  if (ids.length === 0) throw usageError("--artifacts: expected the ids of builds");
  if (to === "-") throw usageError("--artifacts: expected --to with a folder, or a file that ends in .zip");
  const { exportArtifacts } = await import("../export/artifacts.ts");
  const done = await withTable(cli, { readOnly: true }, (table) =>
    exportArtifacts(cli, table, [...new Set(ids)], to),
  );
  const code = done.failed.length > 0 ? EXIT.failed : EXIT.done;
  if (cli.json) {
    cli.terminal.json(done);
    return code;
  }
  for (const { path, saved_as, reason } of done.renamed)
    cli.terminal.note(`${escaped(path)} was saved as ${escaped(saved_as)}: ${escaped(reason)}`);
  for (const { path, reason } of done.failed) cli.terminal.note(`not saved: ${escaped(path)}: ${reason}`);
  cli.terminal.note(`exported ${plural(done.exported, "artifact")} to ${escaped(to)}`);
  const { length } = done.without_bytes;
  if (length > 0)
    cli.terminal.note(
      `${plural(length, "artifact")} recorded without bytes: ${done.without_bytes.slice(0, 5).map(escaped).join(", ")}${length > 5 ? " …" : ""}`,
    );
  return code;
}
