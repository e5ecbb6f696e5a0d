import type { Agent, AgentRow, AgentSessionRow, Turn, TurnRow } from "@stagefold/client";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Cli } from "../cli.ts";
import { agentRef, wholeNumber } from "../options.ts";
import { readAll } from "../read-pages.ts";
import type { Runner } from "../runner.ts";
import { escaped } from "../view/escape.ts";
import { clockTime, duration, plural } from "../view/format.ts";
import { type Column, listTable } from "../view/table.ts";

const SESSION = /^sess_[0-9a-f]{32}$/;
const INVOCATION = /^inv_[0-9a-f]{32}$/;
const MOST = 1_000_000;

/** `agents`, `agent`, `sessions`, `session`, `invocations` and `stop`. */
export function addAgents(program: Command, run: Runner): void {
  program
    .command("agents")
    .description("List agents, newest first")
    .option("--user <id>", "only this user's")
    .option("--tag <tag>", "only with this tag")
    .option("--text <text>", "only with this text in name, title or description")
    .option("--limit <count>", "how many at most", wholeNumber(1, MOST), 20)
    .action(
      (
        { user: user_id, tag, text, limit }: { user?: string; tag?: string; text?: string; limit: number },
        command: Command,
      ) =>
        run(command, async (cli) => {
          const page = await readAll(limit, (paging) =>
            cli.client.agents.list({ user_id, tag, text, ...paging }),
          );
          return table(cli, page, AGENT_COLUMNS, TITLE, "no agents");
        }),
    );
  program
    .command("agent")
    .description("Show an agent: what it can and cannot do, and its versions")
    .argument("<agent>", "the agent", agentRef)
    .option("--set-version <number>", "answer by this version from now on", wholeNumber(1, MOST))
    .addOption(new Option("--enable", "let it answer").conflicts("disable"))
    .option("--disable", "stop it from answering")
    .action(
      (agent_id: string, options: { setVersion?: number; enable?: true; disable?: true }, command: Command) =>
        run(command, async ({ client, terminal, json }) => {
          let agent = await client.agents.get({ agent_id });
          if (options.setVersion !== undefined)
            agent = await client.agents.setVersion({ agent_id, version: options.setVersion });
          if (options.enable) agent = await client.agents.enable({ agent_id });
          if (options.disable) agent = await client.agents.disable({ agent_id });
          if (json) terminal.json(agent);
          else terminal.lines(agentLines(agent));
          return undefined;
        }),
    );
  program
    .command("sessions")
    .description("List the sessions with an agent, the last active first")
    .argument("<agent>", "the agent", agentRef)
    .option("--limit <count>", "how many at most", wholeNumber(1, MOST), 20)
    .action((agent_id: string, { limit }: { limit: number }, command: Command) =>
      run(command, async (cli) => {
        const page = await readAll(limit, (paging) => cli.client.sessions.list({ agent_id, ...paging }));
        return table(cli, page, SESSION_COLUMNS, TITLE, "no sessions");
      }),
    );
  program
    .command("session")
    .description("Print a session: its last questions and answers")
    .argument("<id>", "the session", sessionId)
    .option("--limit <count>", "how many turns at most", wholeNumber(1, MOST), 50)
    .action((session_id: string, { limit }: { limit: number }, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const session = await client.sessions.get({ session_id });
        const turns = await readAll(limit, (paging) => client.turns.list({ session_id, ...paging }));
        if (json) terminal.json({ ...session, turns });
        else {
          terminal.lines(turns.items.toReversed().flatMap(turnLines));
          if (turns.next_cursor !== null) terminal.note("there are earlier turns: a higher --limit");
        }
        return undefined;
      }),
    );
  program
    .command("invocations")
    .description("List the calls of an agent, in sessions and without, newest first")
    .argument("<agent>", "the agent", agentRef)
    .addOption(
      new Option("--status <status>", "only in this state").choices([
        "running",
        "completed",
        "failed",
        "cancelled",
        "interrupted",
      ]),
    )
    .option("--limit <count>", "how many at most", wholeNumber(1, MOST), 20)
    .action(
      (
        agent_id: string,
        { status, limit }: { status?: TurnRow["status"]; limit: number },
        command: Command,
      ) =>
        run(command, async (cli) => {
          const page = await readAll(limit, (paging) =>
            cli.client.invocations.list({ agent_id, status, ...paging }),
          );
          return table(cli, page, CALL_COLUMNS, QUESTION, "no calls");
        }),
    );
  program
    .command("stop")
    .description("Stop what a session, or a call without one, is running; its text is kept")
    .argument("<id>", "the session or the invocation", runningId)
    .action((id: string, _options: object, command: Command) =>
      run(command, async (cli) => {
        const turn = await stop(cli, id);
        if (cli.json) cli.terminal.json(turn);
        else if (turn) cli.terminal.lines([`${id} ${turn.status === "running" ? "stopping" : turn.status}`]);
        else cli.terminal.note("nothing is running");
        return undefined;
      }),
    );
}

async function stop({ client }: Cli, id: string): Promise<Turn | null> {
  if (INVOCATION.test(id)) return await client.invocations.stop({ invocation_id: id });
  const { open } = await client.sessions.get({ session_id: id });
  return open?.turn === undefined ? null : await client.turns.stop({ session_id: id, turn: open.turn });
}

function sessionId(text: string): string {
  if (SESSION.test(text)) return text;
  throw new InvalidArgumentError("expected the id of a session: sess_ and 32 hex digits");
}

function runningId(text: string): string {
  if (SESSION.test(text) || INVOCATION.test(text)) return text;
  throw new InvalidArgumentError("expected the id of a session (sess_…) or of an invocation (inv_…)");
}

function table<T>(
  { terminal, json }: Cli,
  page: { readonly items: readonly T[]; readonly next_cursor: string | null },
  fixed: readonly Column<T>[],
  last: Pick<Column<T>, "heading" | "text">,
  none: string,
): undefined {
  if (json) terminal.json(page);
  else if (page.items.length === 0) terminal.note(none);
  else terminal.lines(listTable(page.items, fixed, last, terminal));
  if (!json && page.next_cursor !== null) terminal.note("there may be more: a higher --limit");
  return undefined;
}

const AGENT_COLUMNS: readonly Column<AgentRow>[] = [
  { heading: "AGENT", width: 18, text: ({ agent_id }) => agent_id },
  { heading: "STATUS", width: 8, text: ({ status }) => status },
  { heading: "VERSION", width: 7, isRight: true, text: ({ version }) => String(version) },
  { heading: "TOOLS", width: 5, isRight: true, isSpare: true, text: ({ tools }) => String(tools) },
  { heading: "CREATED", width: 16, text: ({ created_at }) => clockTime(created_at) },
];

const SESSION_COLUMNS: readonly Column<AgentSessionRow>[] = [
  { heading: "SESSION", width: 37, text: ({ session_id }) => session_id },
  { heading: "TURNS", width: 5, isRight: true, isSpare: true, text: ({ turns }) => String(turns) },
  { heading: "LAST ACTIVE", width: 16, text: ({ last_active_at }) => clockTime(last_active_at) },
];

const TITLE = { heading: "TITLE", text: ({ title }: { readonly title: string }) => escaped(title) };

const CALL_COLUMNS: readonly Column<TurnRow>[] = [
  {
    heading: "CALL",
    width: 37,
    text: ({ session_id, invocation_id }) => session_id ?? invocation_id ?? "",
  },
  {
    heading: "TURN",
    width: 5,
    isRight: true,
    text: ({ turn }) => (turn === undefined ? "" : String(turn)),
  },
  { heading: "STATUS", width: 11, text: ({ status }) => status },
  { heading: "STARTED", width: 16, isSpare: true, text: ({ started_at }) => clockTime(started_at) },
  {
    heading: "TOOK",
    width: 7,
    isRight: true,
    isSpare: true,
    text: ({ duration_ms }) => (duration_ms === undefined ? "" : duration(duration_ms / 1000)),
  },
];

const QUESTION = { heading: "QUESTION", text: ({ text }: TurnRow) => escaped(text) };

function agentLines(agent: Agent): string[] {
  const current = agent.versions.find(({ version }) => version === agent.version);
  const tests = current?.self_tests;
  return [
    `${agent.agent_id}  ${escaped(agent.title)}  ${agent.status}`,
    ...agent.description.split("\n").map((line) => `  ${escaped(line)}`),
    "tools:",
    ...(current?.tools ?? []).map(({ name, description }) => `  ${escaped(name)}: ${escaped(description)}`),
    ...(current && current.unmet.length > 0
      ? ["asked for, but not part of it:", ...current.unmet.map((one) => `  ${escaped(one)}`)]
      : []),
    ...(agent.imported ? [importedLine(agent.imported)] : []),
    ...(tests ? [`self-tests: ${tests.passed} of ${tests.total} passed`] : []),
    agent.versions.length === 0 ? "versions: none yet, create --agent makes one" : "versions:",
    ...agent.versions.map(
      ({ version, at, project_id, kind }) =>
        `${version === agent.version ? "*" : " "} ${version}  ${clockTime(at)}  ${project_id}  ${kind}`,
    ),
  ];
}

/** Apart from our own figures, which do not include it. */
function importedLine({ calls, failed }: NonNullable<Agent["imported"]>): string {
  return `counted on the older platform: ${plural(calls, "call")}${failed === undefined ? "" : `, ${failed} failed`}`;
}

function turnLines(turn: Turn): string[] {
  const lines = (text: string) => text.split("\n").map(escaped);
  const [question = "", ...rest] = lines(turn.user.text);
  const files = turn.user.files.map(({ name }) => `  (${escaped(name)})`);
  const answer = turn.blocks.flatMap((block) =>
    block.type === "text" ? lines(block.text) : [`[${escaped(block.name)}: ${block.status}]`],
  );
  const end =
    turn.status === "completed" ? [] : [`(${turn.status}${turn.error ? `: ${turn.error.code}` : ""})`];
  return [`> ${question}`, ...rest, ...files, ...answer, ...end, ""];
}
