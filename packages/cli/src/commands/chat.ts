import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { createInterface } from "node:readline/promises";
import { addressOfRef, type Turn } from "@stagefold/client";
import type { Command } from "commander";
import { type Cli, openClient } from "../cli.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { agentRef, collect, folder, wholeNumber } from "../options.ts";
import type { Runner } from "../runner.ts";
import { ArtifactFolder } from "../save.ts";
import { AnswerPrinter } from "../view/answer-printer.ts";
import { escaped } from "../view/escape.ts";
import { size } from "../view/format.ts";
import { bytesOf } from "./artifacts.ts";

/** What the API gets to stop an answer after Ctrl-C, in milliseconds: the command ends also while it is away. */
const STOP_MS = 2000;

interface ChatOptions {
  readonly file?: string[];
  readonly out?: string;
  readonly session?: string;
  readonly continue?: true;
}

interface InvokeOptions {
  readonly file?: string[];
  readonly out?: string;
  readonly key?: string;
  readonly wait: number;
}

/** `chat` and `invoke`: with a session, and without one. */
export function addChat(program: Command, run: Runner): void {
  program
    .command("chat")
    .description("Talk to an agent; without a text, line by line")
    .argument("<agent>", "the agent", agentRef)
    .argument("[text]", "what is asked")
    .option("--file <path>", "a file for the question; may be given several times", collect)
    .option("--out <folder>", "save the files that the agent writes below this folder", folder)
    .option("--session <id>", "continue this session")
    .option("--continue", "continue the agent's session that was active last")
    .action((agent_id: string, text: string | undefined, options: ChatOptions, command: Command) =>
      run(command, (cli) => chat(cli, agent_id, text, options)),
    );
  program
    .command("invoke")
    .description("Ask an agent once, without a session")
    .argument("<agent>", "the agent", agentRef)
    .argument("<text>", "what is asked")
    .option("--file <path>", "a file for the question; may be given several times", collect)
    .option("--out <folder>", "save the files that the agent writes below this folder", folder)
    .option("--key <key>", "a repeat with the same key answers with the call of the first time")
    .option("--wait <seconds>", "how long to wait for the end", wholeNumber(0, 86_400), 300)
    .action((agent_id: string, text: string, options: InvokeOptions, command: Command) =>
      run(command, (cli) => invoke(cli, agent_id, text, options)),
    );
}

async function chat(
  cli: Cli,
  agent_id: string,
  text: string | undefined,
  options: ChatOptions,
): Promise<number> {
  if (options.session !== undefined && options.continue)
    throw usageError("expected either --session or --continue");
  if (text?.trim() === "") throw usageError("expected a text, found an empty one");
  if (text === undefined && cli.json) throw usageError("--json needs the text");
  const files = await readFiles(options.file);
  const session_id = await sessionOf(cli, agent_id, options);
  if (text !== undefined) {
    const turn = await ask(cli, session_id, text, files, options.out);
    if (cli.json) cli.terminal.json(turn);
    else cli.terminal.note(cli.terminal.paint.dim(`session ${session_id}`));
    if (cli.signal.aborted) return EXIT.interrupted;
    return turn.status === "completed" ? EXIT.done : EXIT.failed;
  }
  cli.terminal.note(cli.terminal.paint.dim(`session ${session_id}; an empty line ends it`));
  return await converse(cli, session_id, files, options.out);
}

async function sessionOf(cli: Cli, agent_id: string, options: ChatOptions): Promise<string> {
  if (options.session !== undefined)
    return (await cli.client.sessions.get({ session_id: options.session })).session_id;
  if (!options.continue) return (await cli.client.sessions.create({ agent_id })).session_id;
  const [last] = (await cli.client.sessions.list({ agent_id, limit: 1 })).items;
  if (!last) throw new CliError(`${agent_id} has no session yet: leave out --continue`, EXIT.failed);
  return last.session_id;
}

type Files = Awaited<ReturnType<typeof readFiles>>;

/** Line by line, until an empty one or the end of the input. The files go with the first. */
async function converse(
  cli: Cli,
  session_id: string,
  files: Files,
  out: string | undefined,
): Promise<number> {
  if (cli.signal.aborted) return EXIT.interrupted;
  const lines = createInterface({ input: cli.stdin, output: cli.terminal.stderr, prompt: "> " });
  // Input from a pipe ends while a question of it is answered.
  let isOpen = true;
  lines.once("close", () => {
    isOpen = false;
  });
  lines.on("SIGINT", cli.interrupt);
  cli.signal.addEventListener("abort", () => lines.close(), { once: true });
  let rest = files;
  try {
    lines.prompt();
    for await (const line of lines) {
      if (line.trim() === "") break;
      await ask(cli, session_id, line, rest, out);
      rest = [];
      if (cli.signal.aborted) return EXIT.interrupted;
      if (isOpen) lines.prompt();
    }
  } finally {
    lines.close();
  }
  return cli.signal.aborted ? EXIT.interrupted : EXIT.done;
}

/**
 * Sends the question and prints the answer as it comes. Ctrl-C stops the turn, also one that is just being sent: so it
 * ends no call of this client.
 */
async function ask(
  cli: Cli,
  session_id: string,
  text: string,
  files: Files,
  out: string | undefined,
): Promise<Turn> {
  const { turns } = openClient(cli.env, undefined);
  const { turn } = await turns.send({ session_id, text, files, caller: "cli" });
  const printer = new AnswerPrinter(cli, out === undefined ? { turn } : undefined);
  const unstopped = new AbortController();
  const stop = () =>
    void turns.stop({ session_id, turn }, stopOptions()).catch((error: unknown) => {
      printer.unstopped(session_id, error);
      unstopped.abort(error);
    });
  if (cli.signal.aborted) stop();
  cli.signal.addEventListener("abort", stop, { once: true });
  const options = { signal: unstopped.signal, onConnection: printer.onConnection };
  try {
    for await (const event of turns.watch({ session_id, turn }, options)) printer.take(event);
  } finally {
    cli.signal.removeEventListener("abort", stop);
  }
  unstopped.signal.throwIfAborted();
  const ended = await turns.get({ session_id, turn });
  await saveFiles(cli, ended, out);
  return ended;
}

/** Writes what the agent wrote below a folder, and says where. */
async function saveFiles(cli: Cli, turn: Turn, out: string | undefined): Promise<void> {
  if (out === undefined) return;
  const target = new ArtifactFolder(out, cli.signal);
  // Of a file that was written several times the last one counts.
  for (const file of new Map(filesOf(turn).map((one) => [one.name, one])).values()) {
    const recorded = { path: file.name, sha256: file.sha256, size: file.size };
    const saved = await target.save(recorded, () => bytesOf(cli, addressOfRef(file.ref, turn)));
    if (!cli.json) cli.terminal.note(`${escaped(saved.file)}  ${size(saved.size)}`);
  }
}

function filesOf({ blocks }: Turn) {
  return blocks.flatMap((block) => (block.type === "tool" ? (block.files ?? []) : []));
}

async function invoke(cli: Cli, agent_id: string, text: string, options: InvokeOptions): Promise<number> {
  const files = await readFiles(options.file);
  const asked = { agent_id, text, files, invocation_key: options.key, caller: "cli" };
  cli.signal.throwIfAborted();
  // Ctrl-C stops the invocation, also one that is just being sent: so it ends no call of this client.
  const { agents, invocations } = openClient(cli.env, undefined);
  const begun = await agents.invoke({ ...asked, wait_seconds: 0 });
  const { invocation_id = "" } = begun;
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(options.wait * 1000)]);
  const printer = new AnswerPrinter(cli, options.out === undefined ? {} : undefined);
  const { onConnection } = printer;
  if (options.wait > 0)
    for await (const event of invocations.watch({ invocation_id }, { signal, onConnection }))
      printer.take(event);
  if (cli.signal.aborted) {
    await invocations
      .stop({ invocation_id }, stopOptions())
      .catch((error: unknown) => printer.unstopped(invocation_id, error));
    return EXIT.interrupted;
  }
  const call = await invocations.get({ invocation_id });
  await saveFiles(cli, call, options.out);
  if (cli.json) cli.terminal.json(call);
  else if (call.status === "running") cli.terminal.lines([`${invocation_id} running`]);
  return call.status === "completed" || call.status === "running" ? EXIT.done : EXIT.failed;
}

function stopOptions() {
  return { signal: AbortSignal.timeout(STOP_MS) };
}

async function readFiles(paths: readonly string[] = []) {
  return await Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        throw usageError(`--file ${path} cannot be read (${error.code})`);
      });
      return { name: basename(path), base64: bytes.toString("base64") };
    }),
  );
}
