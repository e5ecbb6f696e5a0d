import type { ProjectFilter, ProjectStatus } from "@stagefold/client";
import { type Command, Option } from "commander";
import { wholeNumber } from "../options.ts";
import { type ListOptions, MAX_LIMIT, readList, showList } from "../read-pages.ts";
import type { Runner } from "../runner.ts";
import { PROJECT_COLOUR } from "../view/status.ts";
import { projectTable } from "../view/table.ts";

interface LsOptions extends ListOptions {
  readonly status?: ProjectStatus;
  readonly user?: string;
  readonly tag?: string;
  readonly text?: string;
  readonly note?: string;
}

export function addLs(program: Command, run: Runner): void {
  program
    .command("ls")
    .description("List builds, newest first")
    .addOption(new Option("--status <status>", "only in this state").choices(Object.keys(PROJECT_COLOUR)))
    .option("--user <id>", "only this user's")
    .option("--tag <tag>", "only with this tag")
    .option(
      "--text <text>",
      "only with this text in name, id, user, a tag or the beginning of the requirement",
    )
    .option("--note <name[=value]>", "only where a stage has noted this; the value is JSON or a text")
    .option("--limit <count>", "how many at most", wholeNumber(1, MAX_LIMIT), 20)
    .option("--all", "all of them")
    .action((options: LsOptions, command: Command) =>
      run(command, async (cli) => {
        const filter = filterOf(options);
        const page = await readList(options, (paging) => cli.client.projects.list({ ...filter, ...paging }));
        const { paint, columns } = cli.terminal;
        showList(cli, page, (rows) => projectTable(rows, { paint, columns }), "no builds");
        return undefined;
      }),
    );
}

function filterOf({ status, user, tag, text, note }: LsOptions): ProjectFilter {
  return { status, user_id: user, tag, text, note };
}
