import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError, LogLines, StagefoldClientError, type WholeLine } from "@stagefold/client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { EXIT, usageError } from "../exit.ts";
import { projectId, wholeNumber } from "../options.ts";
import type { Runner } from "../runner.ts";
import { logText } from "../view/log-text.ts";
import { cut } from "../view/width.ts";

const POLL_MS = 1000;
/** Lines; what the API gives at most. */
const PAGE = 1000;

interface LogsOptions {
  readonly attempt?: number;
  readonly follow?: true;
  readonly times?: true;
  readonly search?: string;
}

export function addLogs(program: Command, run: Runner): void {
  program
    .command("logs")
    .description("Print the full log of a stage, or of all stages")
    .argument("<id>", "the build", projectId)
    .argument("[stage]", "the key of the stage")
    .option("--attempt <number>", "of this attempt instead of the last", wholeNumber(1, 1_000_000))
    .option("-f, --follow", "keep printing until the stage, or the build, ends")
    .option("-t, --times", "print when each line was written")
    .option("--search <text>", "print only the lines that have the text, in whatever case")
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
  if (options.search !== undefined && options.follow)
    throw usageError("--search and --follow exclude each other");
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
    const printer = new LogPrinter(cli, source, options);
    await (follow
      ? watchLogs(cli, source, attempt, printer)
      : readLogs(cli, source, attempt, options, printer));
    printer.end();
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

async function readLogs(
  cli: Cli,
  { id, stage }: Source,
  attempt: number,
  { search }: LogsOptions,
  printer: LogPrinter,
): Promise<void> {
  const query = {
    project_id: id,
    stage,
    attempt,
    limit: PAGE,
    ...(search !== undefined && { text: search }),
  };
  let cursor: string | undefined;
  while (!cli.signal.aborted) {
    const page = await cli.client.stages.logs({ ...query, cursor });
    printer.add(page.items);
    // Without a cursor it is the end; a page without lines is the end of what there is, unless a search was long.
    if (page.next_cursor === null || (page.items.length === 0 && search === undefined)) return;
    if (page.items.length === 0 && page.next_cursor === cursor) return;
    cursor = page.next_cursor;
  }
}

async function watchLogs(cli: Cli, source: Source, attempt: number, printer: LogPrinter): Promise<void> {
  const onConnection = (state: "connected" | "lost") => {
    if (state === "lost") cli.terminal.note("connection lost; connecting again …");
    else if (connected) cli.terminal.note("connected again");
    connected = true;
  };
  let connected = false;
  const where = { project_id: source.id, stage: source.stage, attempt };
  for await (const { lines } of cli.client.stages.watchLogs(where, {
    signal: cli.signal,
    patient: true,
    onConnection,
  }))
    printer.add(lines);
}

/** Prints whole lines as they end. A person also sees how a line begins that has no end yet, rewritten in its place. */
class LogPrinter {
  readonly #cli: Cli;
  readonly #source: Source;
  readonly #times: boolean;
  readonly #lines = new LogLines();
  /** What a search finds are lines already. */
  readonly #joins: boolean;
  #isOpen = false;

  constructor(cli: Cli, source: Source, { times, search }: LogsOptions) {
    this.#cli = cli;
    this.#source = source;
    this.#times = times === true;
    this.#joins = search === undefined;
  }

  add(entries: Parameters<LogLines["add"]>[0]): void {
    if (entries.length === 0) return;
    const ended = this.#joins ? this.#lines.add(entries) : entries;
    this.#erase();
    this.#cli.terminal.lines(ended.map((line) => this.#text(line)));
    const open = this.#lines.open.at(-1);
    const { columns } = this.#cli.terminal;
    if (open === undefined || columns === undefined || this.#cli.json) return;
    this.#isOpen = true;
    this.#cli.terminal.stdout.write(cut(this.#text(open, false), columns - 1));
  }

  end(): void {
    this.#erase();
    this.#cli.terminal.lines(this.#lines.end().map((line) => this.#text(line)));
  }

  #erase(): void {
    if (this.#isOpen) this.#cli.terminal.stdout.write("\r\u001b[2K");
    this.#isOpen = false;
  }

  #text(line: WholeLine, hasColours = this.#cli.terminal.hasColours): string {
    const { prefix, stage } = this.#source;
    if (this.#cli.json) return JSON.stringify(prefix === "" ? line : { stage, ...line });
    const time = this.#times ? `${line.at ?? "-".padEnd(24)} ` : "";
    return prefix + time + logText(line.text, hasColours);
  }
}

type Ask = <T>(call: () => Promise<T>) => Promise<T | undefined>;

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

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
