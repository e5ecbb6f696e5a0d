import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError, StagefoldClientError } from "@stagefold/client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { EXIT, usageError } from "../exit.ts";
import { projectId, wholeNumber } from "../options.ts";
import type { Runner } from "../runner.ts";
import { logText } from "../view/log-text.ts";

const POLL_MS = 1000;
/** Lines; what the API gives at most. */
const PAGE = 1000;
/** Characters after which a worker cuts a line; one less where a character of two halves would be cut. */
const CUT_AT = 64 * 1024;
/** Characters of one line that are held in memory to be joined; what is longer is printed in pieces of this. */
const MAX_JOINED = 16 * 1024 * 1024;

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
    .option("--attempt <number>", "of this attempt instead of the last", wholeNumber(1, 1_000_000))
    .option("-f, --follow", "keep printing until the stage, or the build, ends")
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
  if (stage !== undefined) return tailStage(cli, { id, stage, prefix: "" }, options);
  const { stages } = (await cli.client.projects.get({ project_id: id })).stages_snapshot;
  for (const { stage: key, attempt } of stages) {
    if (attempt === 0 && !options.follow) continue;
    const code = await tailStage(cli, { id, stage: key, prefix: `[${key}] ` }, options);
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
async function tailStage(cli: Cli, source: Source, options: LogsOptions): Promise<number> {
  const where = { project_id: source.id, stage: source.stage };
  const follow = options.follow === true;
  const ask = askAgain(cli, follow);
  let attempt = options.attempt ?? Math.max(1, (await cli.client.stages.get(where)).attempt);
  while (!cli.signal.aborted) {
    await tailLogs(cli, source, attempt, follow, ask);
    if (!follow || options.attempt !== undefined) break;
    const stage = await ask(() => cli.client.stages.get(where));
    if (stage === undefined) break;
    // The log of an attempt that is still to come ends, empty, when the build is over.
    const over = stage.status !== "running" && stage.status !== "pending";
    if (stage.attempt < attempt || (stage.attempt === attempt && over)) break;
    attempt += 1;
  }
  return cli.signal.aborted ? EXIT.interrupted : EXIT.done;
}

type Ask = <T>(call: () => Promise<T>) => Promise<T | undefined>;

async function tailLogs(cli: Cli, source: Source, attempt: number, follow: boolean, ask: Ask): Promise<void> {
  const query = { project_id: source.id, stage: source.stage, attempt, limit: PAGE };
  const joined = new JoinedLines((text) => cli.terminal.lines([lineOf(cli, source, text)]));
  let cursor: string | undefined;
  while (!cli.signal.aborted) {
    const page = await ask(() => cli.client.stages.logs({ ...query, cursor }));
    if (page === undefined) break;
    for (const { text } of page.items) joined.add(text);
    // A page that is not full is the end of what there is; without a cursor, also of what there will be.
    if (page.next_cursor === null || (!follow && page.items.length === 0)) break;
    if (page.items.length === 0) await pause(cli.signal);
    cursor = page.next_cursor;
  }
  joined.end();
}

/** Joins the pieces of a long line again, which a worker has cut at a fixed length. */
class JoinedLines {
  readonly #print: (line: string) => void;
  #begun = "";

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add(piece: string): void {
    this.#begun += piece;
    const isCut = piece.length === CUT_AT || piece.length === CUT_AT - 1;
    if (!isCut || this.#begun.length > MAX_JOINED) this.#flush();
  }

  end(): void {
    if (this.#begun !== "") this.#flush();
  }

  #flush(): void {
    this.#print(this.#begun);
    this.#begun = "";
  }
}

/**
 * Asks the API. While a log is followed, an API that does not answer is asked again until it does or the user gives up:
 * it may be restarting. Undefined when the user did.
 */
function askAgain(cli: Cli, follow: boolean): Ask {
  let lost = false;
  return async (call) => {
    while (!cli.signal.aborted) {
      try {
        const answer = await call();
        if (lost) cli.terminal.note("connected again");
        lost = false;
        return answer;
      } catch (error) {
        if (cli.signal.aborted || !follow || !mayPass(error)) throw error;
        if (!lost) cli.terminal.note("connection lost; connecting again …");
        lost = true;
        await pause(cli.signal);
      }
    }
    return undefined;
  };
}

function mayPass(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  return (
    error instanceof StagefoldClientError &&
    (error.code === "STORE_UNAVAILABLE" || error.code === "RATE_LIMITED")
  );
}

function lineOf(cli: Cli, { prefix, stage }: Source, text: string): string {
  if (cli.json) return JSON.stringify(prefix === "" ? { text } : { stage, text });
  return prefix + logText(text, cli.terminal.hasColours);
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
