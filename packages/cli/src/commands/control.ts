import type { Project } from "@stagefold/client";
import { ConnectionError } from "@stagefold/client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { confirm } from "../confirm.ts";
import { endingOf } from "../errors.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { followBuild } from "../follow-build.ts";
import { field, jsonOrText, limit, projectId, projectIds, readInput } from "../options.ts";
import type { Runner } from "../runner.ts";
import { statusText } from "../view/status.ts";

const VERBS = {
  pause: "Offer builds to no worker until they are resumed",
  resume: "Resume paused builds",
  cancel: "End builds",
} as const;

export function addControl(program: Command, run: Runner): void {
  for (const verb of ["pause", "resume", "cancel"] as const)
    program
      .command(verb)
      .description(VERBS[verb])
      .argument("<id...>", "the builds", projectIds)
      .action((ids: string[], _options: object, command: Command) =>
        run(command, (cli) =>
          forEach(cli, ids, async (project_id) => told(cli, await cli.client.projects[verb]({ project_id }))),
        ),
      );
  addRetry(program, run);
  addAnswer(program, run);
  addDelete(program, run);
}

interface RetryOptions {
  readonly fromStage?: string;
  readonly pipeline?: string;
  readonly input?: string;
  readonly set?: [string, unknown][];
  readonly limit?: Record<string, number>;
  readonly wait?: true;
}

function addRetry(program: Command, run: Runner): void {
  program
    .command("retry")
    .description("Run an ended build again, from its first unfinished stage")
    .argument("<id>", "the build", projectId)
    .option("--from-stage <stage>", "from this stage; a completed build needs one")
    .option("--pipeline <name>", "with this pipeline")
    .option("--input <file>", "with another input, as JSON; - is stdin")
    .option("--set <key=value>", "a field of the input, over what it was; may be given several times", field)
    .option("--limit <name=number>", "another limit: cost_usd, tokens, seconds or attempts", limit)
    .option("--wait", "show it until it ends; exit 1 unless it completes")
    .action((project_id: string, options: RetryOptions, command: Command) =>
      run(command, async (cli) => {
        const { fromStage: from_stage, pipeline } = options;
        const before = options.set && !options.input ? await inputOf(cli, project_id) : {};
        const given = await readInput(cli, options.input, options.set);
        const input = given && { ...before, ...given };
        const limits = options.limit;
        const project = await cli.client.projects.retry({ project_id, from_stage, pipeline, input, limits });
        if (!options.wait) {
          told(cli, project);
          return undefined;
        }
        return followBuild(cli, project_id);
      }),
    );
}

async function inputOf(cli: Cli, project_id: string): Promise<Record<string, unknown>> {
  return (await cli.client.projects.input({ project_id })).input ?? {};
}

interface AnswerOptions {
  readonly stage?: string;
  readonly set?: [string, unknown][];
  readonly wait?: true;
  readonly link?: string | true;
}

function addAnswer(program: Command, run: Runner): void {
  program
    .command("answer")
    .description("Answer the question that a build waits for")
    .argument("<id>", "the build", projectId)
    .argument("[answer]", "as JSON, such as true or '{ \"ok\": true }'; what is no JSON is a text")
    .option("--set <key=value>", "a field of the answer; may be given several times", field)
    .option("--stage <stage>", "the stage that asks; left out, the one that asks now")
    .option("--wait", "show it until it ends; exit 1 unless it completes")
    .option("--link [name]", "answer nothing: print a link with which one person, of this name, can")
    .action((project_id: string, text: string | undefined, options: AnswerOptions, command: Command) =>
      run(command, async (cli) => {
        if (options.link !== undefined) return answerLink(cli, project_id, options, text);
        const value = answerOf(text, options.set);
        const stage = options.stage ?? (await askingStage(cli, project_id));
        const project = await cli.client.projects.answer({ project_id, stage, value });
        if (options.wait) return followBuild(cli, project_id);
        told(cli, project);
        return undefined;
      }),
    );
}

async function answerLink(
  { client, env, terminal, json }: Cli,
  project_id: string,
  { link, stage, set, wait }: AnswerOptions,
  text: string | undefined,
): Promise<undefined> {
  if (text !== undefined || set || wait) throw usageError("expected either an answer or --link");
  const name = typeof link === "string" ? link : undefined;
  const made = await client.projects.answerLink({ project_id, stage, name });
  // What begins with a path is of the API that was asked.
  const address = made.url.startsWith("/") ? env.url.replace(/\/$/, "") + made.url : made.url;
  if (json) terminal.json({ ...made, url: address });
  else terminal.lines([address]);
  return undefined;
}

function answerOf(text: string | undefined, fields: readonly [string, unknown][] | undefined): unknown {
  if ((text === undefined) === (fields === undefined))
    throw usageError("expected an answer, or its fields with --set");
  return fields ? Object.fromEntries(fields) : jsonOrText(text ?? "");
}

async function askingStage(cli: Cli, project_id: string): Promise<string> {
  const { waiting, status, answer, stages_snapshot } = await cli.client.projects.get({ project_id });
  if (waiting && status === "waiting") return waiting.stage;
  // Of the last question that was answered the API says by whom, or that this answer is a repeat.
  const answered = stages_snapshot.stages.findLast(({ output_data }) => "answer" in output_data);
  const stage = answer?.stage ?? answered?.stage;
  if (stage !== undefined) return stage;
  throw new CliError(`${project_id} is ${status}: it asks nothing`, EXIT.failed);
}

function addDelete(program: Command, run: Runner): void {
  program
    .command("delete")
    .description("Delete builds, with their artifacts and logs")
    .argument("<id...>", "the builds", projectIds)
    .option("-y, --yes", "do not ask")
    .option("--force", "also builds whose files an agent needs; its version cannot run any more then")
    .action((ids: string[], options: { yes?: true; force?: true }, command: Command) =>
      run(command, async (cli) => {
        if (!options.yes) await confirm(cli, `Delete ${ids.join(", ")} for good?`);
        return forEach(cli, ids, async (project_id) => {
          const answer = await cli.client.projects.delete({ project_id, force: options.force });
          if (cli.json) cli.terminal.json(answer);
          else cli.terminal.lines([`${project_id} deleted`]);
        });
      }),
    );
}

function told(cli: Cli, project: Project): void {
  if (cli.json) cli.terminal.json(project);
  else cli.terminal.lines([`${project.project_id} ${statusText(project)}`]);
}

/** One after the other; a refusal of one does not keep the others from their turn. */
async function forEach(
  cli: Cli,
  ids: readonly string[],
  work: (id: string) => Promise<void>,
): Promise<number> {
  let code: number = EXIT.done;
  for (const id of ids) {
    try {
      await work(id);
    } catch (error) {
      const ending = endingOf(error);
      if (!ending || error instanceof ConnectionError || ids.length === 1) throw error;
      cli.terminal.note(
        cli.json ? JSON.stringify({ error: ending.error }) : `stagefold: ${id}: ${ending.message}`,
      );
      code = EXIT.failed;
    }
  }
  return code;
}
