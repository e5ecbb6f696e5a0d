import type { Cli } from "../cli.ts";
import type { ImportCommandOptions } from "../commands/import.ts";
import { CliError, EXIT } from "../exit.ts";
import { withTable } from "../table.ts";
import { escaped } from "../view/escape.ts";
import { plural } from "../view/format.ts";
import { importFolder, Progress, reportTo } from "./rows.ts";

/** Upgrades every item of the builds' own table to the current version. */
export async function upgradeTable(cli: Cli, options: ImportCommandOptions): Promise<number> {
  const { importInPlace } = await import("@stagefold/migrate");
  const dryRun = options.dryRun === true;
  const done = await withTable(cli, { readOnly: dryRun }, async (table) => {
    if (!table.exists) throw new CliError(`there are no builds to upgrade in ${table.place}`, EXIT.failed);
    const progress = new Progress(cli);
    return await importInPlace({
      pages: table.items({ signal: cli.signal }),
      repository: table.repository,
      folder: importFolder(cli),
      dryRun,
      ...reportTo(cli, options),
      signal: cli.signal,
      onProgress: (items) => progress.show(`looked at ${plural(items, "item")}`),
    });
  });
  if (cli.json) {
    cli.terminal.json(done);
    return done.interrupted ? EXIT.interrupted : EXIT.done;
  }
  const { items, changed, unchanged, unreadable } = done;
  cli.terminal.lines([
    `${plural(items, "item")}: ${changed} ${dryRun ? "would be " : ""}upgraded, ${unchanged} current, ${unreadable} left as they are`,
    ...(done.deferred.merged > 0
      ? [`${plural(done.deferred.merged, "row")} deferred earlier, merged now`]
      : []),
    ...(done.report === null ? [] : [`those left as they are, and why: ${escaped(done.report)}`]),
    ...(done.interrupted ? ["stopped before its end; run it again to continue"] : []),
  ]);
  return done.interrupted ? EXIT.interrupted : EXIT.done;
}
