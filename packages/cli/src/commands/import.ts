import { type Command, InvalidArgumentError, Option } from "commander";
import type { Cli } from "../cli.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { importRows } from "../import/rows.ts";
import { upgradeTable } from "../import/upgrade.ts";
import { collect } from "../options.ts";
import type { Runner } from "../runner.ts";

export interface ImportCommandOptions {
  readonly fromTable?: string[];
  readonly endpoint?: string;
  readonly inPlace?: true;
  readonly dryRun?: true;
  readonly orphans: "wait" | "create";
  readonly unknownStage: "wait" | "append";
  readonly report?: string;
}

export function addImport(program: Command, run: Runner): void {
  program
    .command("import")
    .description(
      "Import older tables of builds, agents and their sessions, exports or live tables, in any order",
    )
    .argument("[paths...]", "exported files, or folders of them (DynamoDB JSON or JSON lines, gzip or plain)")
    .option(
      "--from-table <name>",
      "read a live table too (may be given several times); nothing in it changes",
      collect,
    )
    .option("--endpoint <url>", "where these tables are, or aws; without it where the builds are", endpoint)
    .option("--in-place", "upgrade every item of the builds' own table to the current version")
    .option("--dry-run", "write nothing; say what would be done")
    .addOption(
      new Option(
        "--orphans <rule>",
        "rows of a project, agent or session that is nowhere are deferred until it comes, or create it",
      )
        .choices(["wait", "create"])
        .default("wait"),
    )
    .addOption(
      new Option(
        "--unknown-stage <rule>",
        "artifacts of a stage that their project lacks are deferred until it comes, or append it",
      )
        .choices(["wait", "append"])
        .default("wait"),
    )
    .option("--report <file>", "where rows that were not merged are named (default: in the data folder)")
    .action((paths: string[], options: ImportCommandOptions, command: Command) =>
      run(command, async (cli) => {
        check(cli, paths, options);
        return await told(() =>
          options.inPlace ? upgradeTable(cli, options) : importRows(cli, paths, options),
        );
      }),
    );
}

/** What keeps an import from its folder is reported in one sentence. */
async function told(work: () => Promise<number>): Promise<number> {
  const { ImportRunningError, ReportError } = await import("@stagefold/migrate");
  try {
    return await work();
  } catch (error) {
    if (error instanceof ReportError || error instanceof ImportRunningError)
      throw new CliError(error.message, EXIT.failed, { cause: error });
    throw error;
  }
}

function check(cli: Cli, paths: readonly string[], options: ImportCommandOptions): void {
  const tables = options.fromTable ?? [];
  const nothing = paths.length === 0 && tables.length === 0;
  if (paths.includes("")) throw usageError("expected the path of a file or folder, found an empty text");
  if (options.report === "") throw usageError("--report: expected a file");
  if (options.inPlace && !nothing) throw usageError("--in-place takes no files and no --from-table");
  if (!options.inPlace && nothing) throw usageError("expected files or folders, --from-table or --in-place");
  if (options.endpoint !== undefined && tables.length === 0)
    throw usageError(
      "--endpoint says where the tables of --from-table are; the builds' is STAGEFOLD_DYNAMODB_ENDPOINT",
    );
  if (tables.includes(cli.env.recordsTable) && options.endpoint === undefined)
    throw usageError(`${cli.env.recordsTable} is no older table`);
  if (tables.includes(cli.env.table) && options.endpoint === undefined)
    throw usageError(`${cli.env.table} is the builds' own table; --in-place upgrades it`);
}

function endpoint(text: string): string {
  if (text === "aws" || (/^https?:\/\//.test(text) && URL.canParse(text))) return text;
  throw new InvalidArgumentError("expected aws, or an http:// or https:// address");
}
