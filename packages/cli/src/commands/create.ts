import type { CreateProjectInput } from "@stagefold/client";
import type { Command } from "commander";
import { usageError } from "../exit.ts";
import { followBuild } from "../follow-build.ts";
import { agentId, collect, field, limit, readInput, timeFromNow, wholeNumber } from "../options.ts";
import type { Runner } from "../runner.ts";
import { createdLine } from "../view/changes.ts";

interface CreateOptions {
  readonly pipeline?: string;
  readonly name?: string;
  readonly user?: string;
  readonly agent?: string;
  readonly tag?: string[];
  readonly priority?: number;
  readonly idempotencyKey?: string;
  readonly input?: string;
  readonly set?: [string, unknown][];
  readonly startAt?: string;
  readonly limit?: Record<string, number>;
  readonly wait?: true;
}

export function addCreate(program: Command, run: Runner): void {
  program
    .command("create")
    .description("Create a build")
    .argument("[requirement]", "what is to be built, in words")
    .option("--pipeline <name>", "the pipeline that builds it (default: agent-build)")
    .option("--name <name>", "a name for it")
    .option("--user <id>", "whose it is")
    .option("--agent <id>", "build a new version of this agent", agentId)
    .option("--tag <tag>", "a tag; may be given several times", collect)
    .option("--priority <1-5>", "1 is first, 5 last", wholeNumber(1, 5))
    .option("--idempotency-key <key>", "a repeat with the same key answers with the build of the first time")
    .option("--input <file>", "the input that the pipeline takes, as JSON; - is stdin")
    .option("--set <key=value>", "a field of the input; may be given several times", field)
    .option("--start-at <time>", "not before this time, or 90m, 12h, 2d from now", timeFromNow)
    .option(
      "--limit <name=number>",
      "cost_usd, tokens, seconds or attempts; may be given several times",
      limit,
    )
    .option("--wait", "show it until it ends; exit 1 unless it completes")
    .action((requirement: string | undefined, options: CreateOptions, command: Command) =>
      run(command, async (cli) => {
        if (requirement?.trim() === "") throw usageError("expected a requirement, found an empty text");
        const input = await readInput(cli, options.input, options.set);
        if (requirement === undefined && input === undefined)
          throw usageError("expected a requirement, or an input with --input or --set");
        const project = await cli.client.projects.create({ ...requestOf(requirement, options), input });
        if (cli.json && !options.wait) cli.terminal.json(project);
        else if (!cli.json) cli.terminal.lines([createdLine(project)]);
        return options.wait ? followBuild(cli, project.project_id) : undefined;
      }),
    );
}

function requestOf(requirement: string | undefined, options: CreateOptions): CreateProjectInput {
  return {
    requirement,
    pipeline: options.pipeline,
    project_name: options.name,
    user_id: options.user,
    agent_id: options.agent,
    tags: options.tag,
    priority: options.priority,
    idempotency_key: options.idempotencyKey,
    start_at: options.startAt,
    limits: options.limit,
  };
}
