import type { CreateProjectInput } from "@stagefold/client";
import { Argument, type Command, Option } from "commander";
import type { Cli } from "../cli.ts";
import { confirm } from "../confirm.ts";
import { EXIT, usageError } from "../exit.ts";
import { jsonObjectAt, readText, timeAgo } from "../options.ts";
import type { Runner } from "../runner.ts";
import { createdLine } from "../view/changes.ts";
import { escaped } from "../view/escape.ts";
import { PROJECT_COLOUR } from "../view/status.ts";

const ACTIONS = ["pause", "resume", "cancel", "retry", "delete"] as const;
type BulkInput = Parameters<Cli["client"]["projects"]["bulk"]>[0];

/** Builds of one request. */
const AT_ONCE = 100;

export function addBatch(program: Command, run: Runner): void {
  addCreateMany(program, run);
  addBulk(program, run);
}

function addCreateMany(program: Command, run: Runner): void {
  program
    .command("create-many")
    .description("Create builds, one for each line of a file; exit 1 if one is refused")
    .argument("<file>", "lines of JSON, each what projects.create takes; - is stdin")
    .action((file: string, _options: object, command: Command) =>
      run(command, async (cli) => {
        const rows = rowsOf(file, await readText(cli, file));
        let refused = 0;
        for (let from = 0; from < rows.length; from += AT_ONCE) {
          const { items } = await cli.client.projects.createMany({
            projects: rows.slice(from, from + AT_ONCE).map(({ input }) => input),
          });
          for (const [i, item] of items.entries()) {
            if ("error" in item) refused += 1;
            if (cli.json) cli.terminal.json(item);
            else if ("error" in item)
              cli.terminal.note(
                `line ${rows[from + i]?.line}: ${item.error.code}: ${escaped(item.error.message)}`,
              );
            else cli.terminal.lines([createdLine(item.project)]);
          }
        }
        return refused > 0 ? EXIT.failed : EXIT.done;
      }),
    );
}

/** Each with the number of its line, as an editor counts them. */
function rowsOf(file: string, text: string): { line: number; input: CreateProjectInput }[] {
  const rows = text.split("\n").flatMap((json, i) => (json.trim() === "" ? [] : [{ line: i + 1, json }]));
  if (rows.length === 0) throw usageError(`${file}: expected lines of JSON, found none`);
  // Whether each is a request in every respect is for the API to say.
  return rows.map(({ line, json }) => ({ line, input: jsonObjectAt(`${file}: line ${line}`, json) }));
}

interface BulkOptions {
  readonly status?: NonNullable<BulkInput["filter"]["status"]>;
  readonly user?: string;
  readonly pipeline?: string;
  readonly tag?: string;
  readonly note?: string;
  readonly text?: string;
  readonly createdBefore?: string;
  readonly all?: true;
  readonly dryRun?: true;
  readonly yes?: true;
}

function addBulk(program: Command, run: Runner): void {
  program
    .command("bulk")
    .description("Pause, resume, cancel, retry or delete all builds that a filter finds")
    .addArgument(new Argument("<action>", "what to do").choices(ACTIONS))
    .addOption(new Option("--status <status>", "only in this state").choices(Object.keys(PROJECT_COLOUR)))
    .option("--user <id>", "only this user's")
    .option("--pipeline <name>", "only of this pipeline")
    .option("--tag <tag>", "only with this tag")
    .option("--note <name[=value]>", "only where a stage has noted this; the value is JSON or a text")
    .option(
      "--text <text>",
      "only with this text in name, id, user, a tag or the beginning of the requirement",
    )
    .option("--created-before <time>", "only created before this time, or 90m, 12h, 30d ago", timeAgo)
    .option("--all", "without any filter")
    .option("--dry-run", "only count them")
    .option("-y, --yes", "do not ask")
    .action((action: BulkInput["action"], options: BulkOptions, command: Command) =>
      run(command, async (cli) => {
        const { status, user: user_id, pipeline, tag, text, note, createdBefore: until } = options;
        const filter = { status, user_id, pipeline, tag, text, note, until };
        if (!options.all && Object.values(filter).every((value) => value === undefined))
          throw usageError("expected a filter, or --all");
        const { bulk } = cli.client.projects;
        const { matched } = await bulk({ action, filter, dry_run: true });
        if (options.dryRun) {
          if (cli.json) cli.terminal.json({ matched });
          else cli.terminal.lines([`${matched} to ${action}`]);
          return undefined;
        }
        if (!options.yes) await confirm(cli, `${action} ${matched} builds?`);
        const total = { matched: 0, done: 0, refused: 0 };
        for (let cursor: string | undefined; ; ) {
          const page = await bulk({ action, filter, cursor, limit: AT_ONCE });
          total.matched += page.matched;
          total.done += page.done;
          total.refused += page.refused.length;
          for (const { project_id, code, message } of page.refused)
            cli.terminal.note(
              cli.json ? JSON.stringify({ project_id, code }) : `${project_id}: ${escaped(message)}`,
            );
          if (page.next_cursor === null) break;
          cursor = page.next_cursor;
        }
        if (cli.json) cli.terminal.json(total);
        else cli.terminal.lines([`${action}: ${total.done} of ${total.matched}`]);
        return total.refused > 0 ? EXIT.failed : EXIT.done;
      }),
    );
}
