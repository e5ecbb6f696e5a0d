import type { CreateProjectInput } from "@stagefold/client";
import type { Command } from "commander";
import { usageError } from "../exit.ts";
import { followBuild } from "../follow-build.ts";
import { collect, wholeNumber } from "../options.ts";
import type { Runner } from "../runner.ts";
import { escaped } from "../view/escape.ts";

interface CreateOptions {
  readonly pipeline?: string;
  readonly name?: string;
  readonly user?: string;
  readonly tag?: string[];
  readonly priority?: number;
  readonly idempotencyKey?: string;
  readonly wait?: true;
}

export function addCreate(program: Command, run: Runner): void {
  program
    .command("create")
    .description("Create a build")
    .argument("<requirement>", "what is to be built, in words")
    .option("--pipeline <name>", "the pipeline that builds it (default: agent-build)")
    .option("--name <name>", "a name for it")
    .option("--user <id>", "whose it is")
    .option("--tag <tag>", "a tag; may be given several times", collect)
    .option("--priority <1-5>", "1 is first, 5 last", wholeNumber(1, 5))
    .option("--idempotency-key <key>", "a repeat with the same key answers with the build of the first time")
    .option("--wait", "show it until it ends; exit 1 unless it completes")
    .action((requirement: string, options: CreateOptions, command: Command) =>
      run(command, async (cli) => {
        if (requirement.trim() === "") throw usageError("expected a requirement, found an empty text");
        const project = await cli.client.projects.create(inputOf(requirement, options));
        if (cli.json && !options.wait) cli.terminal.json(project);
        else if (!cli.json)
          cli.terminal.lines([`created ${project.project_id}  ${escaped(project.project_name)}`]);
        return options.wait ? followBuild(cli, project.project_id) : undefined;
      }),
    );
}

function inputOf(requirement: string, options: CreateOptions): CreateProjectInput {
  return {
    requirement,
    pipeline: options.pipeline,
    project_name: options.name,
    user_id: options.user,
    tags: options.tag,
    priority: options.priority,
    idempotency_key: options.idempotencyKey,
  };
}
