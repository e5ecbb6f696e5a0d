import type { Schedule } from "@stagefold/client";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Cli } from "../cli.ts";
import { usageError } from "../exit.ts";
import { collect, wholeNumber } from "../options.ts";
import { type ListOptions, MAX_LIMIT, readList, showList } from "../read-pages.ts";
import type { Runner } from "../runner.ts";
import { escaped } from "../view/escape.ts";
import { clockTime } from "../view/format.ts";
import { type Column, listTable } from "../view/table.ts";

interface CreateOptions {
  readonly cron: string;
  readonly timeZone: string;
  readonly pipeline?: string;
  readonly tag?: string[];
  readonly priority?: number;
  readonly missed: Schedule["missed"];
}

/** `schedules create|list|show|pause|resume|run|delete`: builds that start by themselves. */
export function addSchedules(program: Command, run: Runner): void {
  const schedules = program.command("schedules").description("Builds that start at set times");
  schedules
    .command("create")
    .description("Start a build again and again")
    .argument("<name>", "what it is for")
    .argument("<requirement>", "what is to be built, in words")
    .requiredOption("--cron <pattern>", "minute, hour, day, month, day of week, such as '30 7 * * 1-5'")
    .option("--time-zone <name>", "such as Europe/Berlin", "UTC")
    .option("--pipeline <name>", "the pipeline that builds it (default: agent-build)")
    .option("--tag <tag>", "a tag of each build; may be given several times", collect)
    .option("--priority <1-5>", "1 is first, 5 last", wholeNumber(1, 5))
    .addOption(
      new Option("--missed <how>", "of times at which no API ran")
        .choices(["run_once", "skip"])
        .default("run_once"),
    )
    .action((name: string, requirement: string, options: CreateOptions, command: Command) =>
      run(command, async (cli) => {
        if (requirement.trim() === "") throw usageError("expected a requirement, found an empty text");
        const { cron, timeZone: time_zone, pipeline, tag: tags, priority, missed } = options;
        const build = { requirement, pipeline, tags, priority };
        tell(cli, await cli.client.schedules.create({ name, cron, time_zone, missed, build }));
        return undefined;
      }),
    );
  schedules
    .command("list")
    .description("List the schedules, newest first")
    .option("--limit <count>", "how many at most", wholeNumber(1, MAX_LIMIT), 50)
    .option("--all", "all of them")
    .action((options: ListOptions, command: Command) =>
      run(command, async (cli) => {
        const page = await readList(options, (paging) => cli.client.schedules.list(paging));
        showList(cli, page, (rows) => listTable(rows, COLUMNS, NAME, cli.terminal), "no schedules");
        return undefined;
      }),
    );
  schedules
    .command("show")
    .description("Show a schedule and its next times")
    .argument("<schedule>", "its id", scheduleId)
    .action((schedule_id: string, _options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const schedule = await client.schedules.get({ schedule_id });
        if (json) terminal.json(schedule);
        else
          terminal.lines([
            ...whole(schedule, terminal),
            ...(schedule.last?.error === undefined ? [] : [`last: ${escaped(schedule.last.error)}`]),
            ...schedule.next_times.map((time) => `next: ${clockTime(time)}`),
          ]);
        return undefined;
      }),
    );
  for (const [name, description] of CHANGES)
    schedules
      .command(name)
      .description(description)
      .argument("<schedule>", "its id", scheduleId)
      .action((schedule_id: string, _options: object, command: Command) =>
        run(command, async (cli) => {
          tell(cli, await cli.client.schedules[name]({ schedule_id }));
          return undefined;
        }),
      );
  schedules
    .command("delete")
    .description("Remove a schedule; its builds stay")
    .argument("<schedule>", "its id", scheduleId)
    .action((schedule_id: string, _options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const deleted = await client.schedules.delete({ schedule_id });
        if (json) terminal.json(deleted);
        else terminal.lines([`${schedule_id} deleted`]);
        return undefined;
      }),
    );
}

const CHANGES = [
  ["pause", "Start no more builds until it is resumed"],
  ["resume", "Start builds again from its next time on"],
  ["run", "Start a build now, besides those of its times"],
] as const;

const ID = /^sched_[0-9a-f]{16}$/;

function scheduleId(text: string): string {
  if (ID.test(text)) return text;
  throw new InvalidArgumentError("expected the id of a schedule: sched_ and 16 hex digits");
}

const COLUMNS: readonly Column<Schedule>[] = [
  { heading: "SCHEDULE", width: 22, text: ({ schedule_id }) => schedule_id },
  { heading: "STATE", width: 6, text: ({ status }) => status },
  {
    heading: "NEXT",
    width: 16,
    text: ({ next_at }) => (next_at === undefined ? "-" : clockTime(next_at)),
  },
  {
    heading: "LAST BUILD",
    width: 17,
    isSpare: true,
    text: ({ last }) => last?.project_id ?? (last?.error === undefined ? "-" : "failed"),
  },
];

const NAME = { heading: "NAME", text: ({ name }: Schedule) => escaped(name) };

function tell({ terminal, json }: Cli, schedule: Schedule): void {
  if (json) terminal.json(schedule);
  else terminal.lines(whole(schedule, terminal));
}

/** One alone is not cut. */
function whole(schedule: Schedule, { paint }: Cli["terminal"]): string[] {
  return listTable([schedule], COLUMNS, NAME, { paint, columns: undefined });
}
