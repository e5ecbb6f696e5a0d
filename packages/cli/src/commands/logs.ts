import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { EXIT, usageError } from "../exit.ts";
import { projectId, whole } from "../options.ts";
import type { Runner } from "../runner.ts";
import { escaped } from "../view/escape.ts";

const POLL_MS = 1000;
/** Lines; what the API gives at most. */
const PAGE = 1000;

interface LogsOptions {
  readonly attempt?: number;
  readonly follow?: true;
}

export function addLogs(program: Command, run: Runner): void {
  program
    .command("logs")
    .description("Print the full log of a stage, or of all stages")
    .argument("<id>", "the build", projectId)
    .argument("[stage]", "the key of the stage")
    .option("--attempt <number>", "of this attempt instead of the last", whole(1, 1_000_000))
    .option("-f, --follow", "go on until the stage, or the build, ends")
    .action((id: string, stage: string | undefined, options: LogsOptions, command: Command) =>
      run(command, (cli) => printLogs(cli, id, stage, options)),
    );
}

async function printLogs(
  cli: Cli,
  id: string,
  stage: string | undefined,
  options: LogsOptions,
): Promise<number> {
  if (stage === undefined && options.attempt !== undefined)
    throw usageError("--attempt needs the stage it is one of");
  if (stage !== undefined) return printStage(cli, { id, stage, prefix: "" }, options);
  const { stages } = (await cli.client.projects.get({ project_id: id })).stages_snapshot;
  for (const { stage: key, attempt } of stages) {
    if (attempt === 0 && !options.follow) continue;
    const code = await printStage(cli, { id, stage: key, prefix: `[${key}] ` }, options);
    if (code !== EXIT.done) return code;
  }
  return EXIT.done;
}

interface Source {
  readonly id: string;
  readonly stage: string;
  readonly prefix: string;
}

/** One attempt after the other, as long as there is another and they are followed. */
async function printStage(cli: Cli, source: Source, options: LogsOptions): Promise<number> {
  const where = { project_id: source.id, stage: source.stage };
  let attempt = options.attempt ?? Math.max(1, (await cli.client.stages.get(where)).attempt);
  while (!cli.signal.aborted) {
    await printAttempt(cli, source, attempt, options.follow === true);
    if (!options.follow || options.attempt !== undefined) return EXIT.done;
    const stage = await cli.client.stages.get(where);
    // The log of an attempt that is still to come ends, empty, when the build is over.
    const over = stage.status !== "running" && stage.status !== "pending";
    if (stage.attempt < attempt || (stage.attempt === attempt && over)) return EXIT.done;
    attempt += 1;
  }
  return EXIT.interrupted;
}

async function printAttempt(cli: Cli, source: Source, attempt: number, follow: boolean): Promise<void> {
  const query = { project_id: source.id, stage: source.stage, attempt, limit: PAGE };
  let cursor: string | undefined;
  while (!cli.signal.aborted) {
    const page = await cli.client.stages.logs({ ...query, cursor });
    cli.terminal.lines(page.items.map(({ text }) => lineOf(cli, source, text)));
    // A page that is not full is the end of what there is; without a cursor, also of what there will be.
    if (page.next_cursor === null || (!follow && page.items.length === 0)) return;
    if (page.items.length === 0) await pause(cli.signal);
    cursor = page.next_cursor;
  }
}

function lineOf(cli: Cli, { prefix, stage }: Source, text: string): string {
  if (cli.json) return JSON.stringify(prefix === "" ? { text } : { stage, text });
  return prefix + escaped(text);
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
