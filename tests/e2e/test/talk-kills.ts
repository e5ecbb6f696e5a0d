import { readdir, readFile } from "node:fs/promises";
import type { Turn, TurnEvent } from "@stagefold/client";
import { expect } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { until } from "../../../tooling/vitest/until.ts";
import { builtAgent, CSV, REQUIREMENT } from "./built-agent.ts";
import { type System, start } from "./harness.ts";

const ROUNDS = SOAK ? Number(process.env.ROUNDS ?? 40) : 2;
/** Then everything is started anew: what starts API and worker gives one up that dies five times within seconds. */
const ROUNDS_OF_A_START = 6;
/** Asked one after the other: a turn whose process died ends when its lease does, 20 s later, and others are killed meanwhile. */
const SESSIONS = 5;

/** What is killed in a round, by its command line. */
const VICTIMS = {
  api: /api\/dist\/main\.js/,
  runner: /--serve/,
  worker: /worker\/dist\/main\.js/,
} as const;
type Victim = keyof typeof VICTIMS;
const VICTIM_NAMES = ["api", "runner", "worker"] as const satisfies readonly Victim[];
const TURNS_OF_VICTIMS: readonly (readonly Victim[])[] = [
  ["api"],
  ["runner"],
  ["api", "runner", "worker"],
  ["worker"],
];

/** Turns that are asked, and answered or ended, while what answers them is killed; then everything is compared. */
export async function rounds(dataDir: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { agent_id, talks } = await agentWithTalks(dataDir, env);
  const kills = { api: 0, runner: 0, worker: 0 };
  for (let first = 1; first <= ROUNDS; first += ROUNDS_OF_A_START) {
    await using system = await start({ dataDir, env });
    const last = Math.min(ROUNDS, first + ROUNDS_OF_A_START - 1);
    await killedRounds(system, { first, last, talks, kills });
    if (last === ROUNDS) await allIsAsItWas(system, agent_id, talks);
  }
  // A runner may not have started, or have ended, in the moment of a kill.
  const certain = ROUNDS < 20 ? (["api", "worker"] as const) : VICTIM_NAMES;
  for (const victim of certain) expect(kills[victim], victim).toBeGreaterThan(0);
  const statuses = talks.flatMap(({ ended }) => ended.map(({ status }) => status));
  console.info(JSON.stringify({ rounds: ROUNDS, kills, ended: countBy(statuses) }));
}

/** One session, and its turns as they ended. */
interface Talk {
  readonly session_id: string;
  readonly ended: Turn[];
  /** Its turn that was asked last, to its end. */
  last: Promise<void>;
}

async function agentWithTalks(dataDir: string, env: NodeJS.ProcessEnv) {
  await using system = await start({ dataDir, args: [REQUIREMENT], env });
  const agent_id = await builtAgent(system);
  const talks: Talk[] = [];
  for (let i = 0; i < SESSIONS; i++) {
    const { session_id } = await system.client.sessions.create({ agent_id });
    talks.push({ session_id, ended: [], last: Promise.resolve() });
  }
  return { agent_id, talks };
}

interface Rounds {
  readonly first: number;
  readonly last: number;
  readonly talks: readonly Talk[];
  readonly kills: Record<Victim, number>;
}

async function killedRounds(system: System, { first, last, talks, kills }: Rounds): Promise<void> {
  const { client } = system;
  for (let round = first; round <= last; round++) {
    const talk = talks[round % talks.length];
    if (!talk) throw new Error("expected a talk");
    await talk.last;
    const { session_id, ended } = talk;
    const { turn } = await until("a server that takes a question", () => ask(system, session_id, round));
    expect(turn).toBe(ended.length + 1);
    const reading = read(client.turns.watch({ session_id, turn }));
    await new Promise((next) => setTimeout(next, (round * 37) % 400));
    const victims = TURNS_OF_VICTIMS[round % TURNS_OF_VICTIMS.length] ?? [];
    for (const [victim, pid] of await processesNamed(system, victims)) {
      kill(pid);
      kills[victim] += 1;
    }
    talk.last = toItsEnd(system, talk, turn, reading);
    // It is awaited later, and fails the test then.
    talk.last.catch(() => undefined);
  }
  await Promise.all(talks.map((talk) => talk.last));
}

async function toItsEnd(
  { client }: System,
  { session_id, ended }: Talk,
  turn: number,
  reading: Promise<string>,
): Promise<void> {
  const end = await until("the end of the turn", async () => {
    const found = await client.turns.get({ session_id, turn }).catch(() => undefined);
    return found && found.status !== "running" ? found : undefined;
  });
  expect(["completed", "interrupted", "failed"], JSON.stringify(end.error)).toContain(end.status);
  ended.push(end);
  // The reader lost its connection with the server, and has every text once nevertheless.
  expect(await reading).toBe(textOf(end));
}

/** Every turn is there once, in its order, as it was when it ended: none ran again. */
async function allIsAsItWas({ client }: System, agent_id: string, talks: readonly Talk[]): Promise<void> {
  const calls = await allPages((page) => client.invocations.list({ agent_id, ...page }));
  expect(calls.length).toBe(ROUNDS);
  for (const [index, { session_id, ended }] of talks.entries()) {
    const turns = await allPages((page) => client.turns.list({ session_id, ...page }));
    expect(turns.toReversed()).toEqual(ended);
    const rounds = Array.from({ length: ROUNDS }, (_, i) => i + 1).filter((i) => i % SESSIONS === index);
    expect(ended.map(({ key }) => key)).toEqual(rounds.map((round) => `round-${round}`));
    const session = await client.sessions.get({ session_id });
    expect(session.turns).toBe(ended.length);
    expect(session.open).toBeUndefined();
    const sum = (of: (turn: Turn) => number) => ended.reduce((total, turn) => total + of(turn), 0);
    expect(session.totals).toMatchObject({
      failed: sum(({ status }) => (status === "completed" ? 0 : 1)),
      input_tokens: sum((turn) => turn.input_tokens),
      output_tokens: sum((turn) => turn.output_tokens),
    });
    const own = calls.filter((row) => row.session_id === session_id);
    expect(own.toReversed().map((row) => `${row.turn} ${row.status}`)).toEqual(
      ended.map(({ turn, status }) => `${turn} ${status}`),
    );
  }
}

type Page<T> = { readonly items: readonly T[]; readonly next_cursor: string | null };

async function allPages<T>(
  list: (page: { limit: number; cursor?: string }) => Promise<Page<T>>,
): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await list({ limit: 100, ...(cursor && { cursor }) });
    all.push(...page.items);
    cursor = page.next_cursor;
  }
  return all;
}

/** The text that a reader has in the end. A piece that it has already, or that is not the next one, is an error. */
async function read(events: AsyncIterable<TurnEvent>): Promise<string> {
  let blocks: string[] = [];
  for await (const event of events) {
    if (event.event === "turn")
      blocks = event.turn.blocks.map((block) => (block.type === "text" ? block.text : ""));
    if (event.event === "tool") blocks[event.block] = "";
    if (event.event === "text") {
      const known = blocks[event.block] ?? "";
      expect(event.at).toBe(known.length);
      blocks[event.block] = known + event.text;
    }
  }
  return blocks.join("");
}

function textOf({ blocks }: Turn): string {
  return blocks.map((block) => (block.type === "text" ? block.text : "")).join("");
}

async function ask({ client }: System, session_id: string, round: number) {
  const files = [{ name: "people.csv", text: CSV }];
  const text = "每列的平均值是多少？";
  const message_key = `round-${round}`;
  return await client.turns.send({ session_id, text, files, message_key }).catch(() => undefined);
}

async function processesNamed({ process: { pid } }: System, victims: readonly Victim[]) {
  const pids = await descendantsOf(pid ?? 0);
  const found = await Promise.all(
    pids.map(async (pid): Promise<[Victim, number][]> => {
      const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return victims.flatMap((victim) => (VICTIMS[victim].test(line) ? [[victim, pid]] : []));
    }),
  );
  return found.flat();
}

/** Of a process, and of those that it started, by what the system says of their parents (Linux). */
async function descendantsOf(pid: number): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, "utf8").catch(() => "");
    const parent = Number(/^PPid:\t(\d+)$/m.exec(status)?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  for (let next = children.get(pid) ?? []; next.length > 0; ) {
    found.push(...next);
    next = next.flatMap((child) => children.get(child) ?? []);
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself, or went down with another one.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
