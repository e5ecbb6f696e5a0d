import type { ProjectFilter, ProjectStatus } from "@stagefold/client";
import { type Command, Option } from "commander";
import { wholeNumber } from "../options.ts";
import { readAll } from "../read-pages.ts";
import type { Runner } from "../runner.ts";
import { PROJECT_COLOUR } from "../view/status.ts";
import { projectTable } from "../view/table.ts";

interface LsOptions {
  readonly status?: ProjectStatus;
  readonly user?: string;
  readonly tag?: string;
  readonly text?: string;
  readonly note?: string;
  readonly limit: number;
  readonly all?: true;
}

const MOST = 1_000_000;

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
    .option("--limit <count>", "how many at most", wholeNumber(1, MOST), 20)
    .option("--all", "all of them")
    .action((options: LsOptions, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const filter = filterOf(options);
        const most = options.all ? Number.POSITIVE_INFINITY : options.limit;
        const page = await readAll(most, (paging) => client.projects.list({ ...filter, ...paging }));
        if (json) {
          terminal.json(page);
          return undefined;
        }
        if (page.items.length > 0)
          terminal.lines(projectTable(page.items, { paint: terminal.paint, columns: terminal.columns }));
        else terminal.note("no builds");
        if (page.next_cursor !== null) terminal.note("there may be more: --all, or a higher --limit");
        return undefined;
      }),
    );
}

function filterOf({ status, user, tag, text, note }: LsOptions): ProjectFilter {
  return { status, user_id: user, tag, text, note };
}
