import type { Cli } from "../cli.ts";
import type { ImportCommandOptions } from "../commands/import.ts";
import { CliError, EXIT } from "../exit.ts";
import { withTable } from "../table.ts";
import { escaped } from "../view/escape.ts";
import { plural } from "../view/format.ts";
import { Progress } from "./progress.ts";
import { importFolder, reportTo } from "./rows.ts";

/** Brings every item of the builds' own table to today's form. */
export async function upgradeTable(cli: Cli, options: ImportCommandOptions): Promise<number> {
  const { importInPlace } = await import("@stagefold/migrate");
  const dryRun = options.dryRun === true;
  const done = await withTable(cli, { readOnly: dryRun }, async (table) => {
    if (!table.exists)
      throw new CliError(`there are no builds to bring up to date in ${table.place}`, EXIT.failed);
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
    `${plural(items, "item")}: ${changed} ${dryRun ? "would be " : ""}brought to today's form, ${unchanged} had it, ${unreadable} left as they are`,
    ...(done.deferred.merged > 0
      ? [`${plural(done.deferred.merged, "row")} deferred earlier, merged now`]
      : []),
    ...(done.report === null ? [] : [`those left as they are, and why: ${escaped(done.report)}`]),
    ...(done.interrupted ? ["stopped before its end; run it again, it goes on"] : []),
  ]);
  return done.interrupted ? EXIT.interrupted : EXIT.done;
}
