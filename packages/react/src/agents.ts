import { type Agent, foldTurn, type ManyChange, type StagefoldClient, type Turn } from "@stagefold/client";
import type { Entry } from "./entry.ts";
import { type Live, serially } from "./live.ts";

/** Turns that are read: the newest ones. */
const MAX_TURNS = 100;
/** What comes faster than this is shown together. Milliseconds. */
const DRAW_MS = 50;

type Client = StagefoldClient["turns"];
export type SendInput = Parameters<Client["send"]>[0];
/** Which turn a question has become. */
export type SentTurn = Awaited<ReturnType<Client["send"]>>;

/** What is read at once, and again where the stream says that it may have changed. */
function reading<T>(
  live: Live,
  key: string,
  read: (entry: Entry<T>, signal: AbortSignal) => Promise<void>,
  mayChange: (change: ManyChange, value: T | undefined) => boolean = () => false,
): Entry<T> {
  return live.other<T>(key, (entry) => {
    const ending = new AbortController();
    const { signal } = ending;
    const run = serially(entry, signal, () => read(entry, signal));
    const leave = live.listen((change) => {
      if (change.kind === "reset" || mayChange(change, entry.read().value)) run();
    });
    entry.refresh = run;
    run();
    return () => {
      ending.abort();
      leave();
    };
  });
}

/** An agent, read again with every change of its builds. */
export function agentOf(live: Live, agent_id: string): Entry<Agent> {
  return reading(
    live,
    `agent ${agent_id}`,
    async (entry, signal) => entry.set(await live.client.agents.get({ agent_id }, { signal })),
    // The id that was asked for may be another name of it.
    (change, agent) => change.kind === "changed" && change.project.agent_id === (agent?.agent_id ?? agent_id),
  );
}

/** The turns of a session, oldest first; the one that runs grows with its events. */
export function turnsOf(live: Live, session_id: string): Entry<readonly Turn[]> {
  return reading(live, `turns ${session_id}`, async (entry, signal) => {
    const { turns } = live.client;
    const known = (await turns.list({ session_id, limit: MAX_TURNS }, { signal })).items.reverse();
    entry.set(known);
    let turn = known.at(-1);
    if (turn?.status !== "running") return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      if (turn) entry.set(known.with(-1, turn));
    };
    try {
      const at = turn.turn === undefined ? {} : { turn: turn.turn };
      for await (const event of turns.watch({ session_id, ...at }, { signal, patient: true })) {
        turn = foldTurn(turn, event);
        if (event.event === "end") break;
        timer ??= setTimeout(draw, DRAW_MS);
      }
    } finally {
      clearTimeout(timer);
    }
    if (signal.aborted) return;
    draw();
    // What is kept of it has more than its events say.
    entry.refresh();
  });
}

/** Asks, and shows the turn. Also where it is refused: another reader may have asked. */
export async function sendTurn(live: Live, input: SendInput): Promise<SentTurn> {
  try {
    return await live.client.turns.send(input);
  } finally {
    turnsOf(live, input.session_id).refresh();
  }
}

/** Stops the turn that runs; undefined where none does. */
export async function stopTurn({ client: { turns } }: Live, session_id: string): Promise<Turn | undefined> {
  const [last] = (await turns.list({ session_id, limit: 1 })).items;
  if (last?.turn === undefined || last.status !== "running") return undefined;
  return await turns.stop({ session_id, turn: last.turn });
}
