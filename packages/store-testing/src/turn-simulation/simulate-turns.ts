import {
  type Asked,
  isStagefoldError,
  readTurn,
  roundedCost,
  type Session,
  type Turn,
} from "@stagefold/core";
import { ApiProcess, storedText } from "./api-process.ts";
import { SimulatedProcess } from "./process.ts";
import type { TurnViolation } from "./watch.ts";
import { type TurnSimulationOptions, World } from "./world.ts";

const AGENT = "agent_0123456789ab";
const TROUBLE_MS = 40_000;
const PEACE_MS = 120_000;

export interface TurnSimulationResult {
  readonly violations: readonly TurnViolation[];
  readonly faults: ReadonlyMap<string, number>;
  readonly turns: number;
  readonly interrupted: number;
  readonly writes: number;
}

/**
 * One run: people who talk in sessions through API processes that crash, freeze and have wrong clocks, over a store
 * whose requests are lost, late and doubled; then peace, then a look at what is there.
 */
export async function simulateTurns(options: TurnSimulationOptions): Promise<TurnSimulationResult> {
  const world = new World(options);
  const simulation = new TurnSimulation(world);
  const story = simulation.story();
  await world.scheduler.run(() => simulation.isDone);
  if (!simulation.isDone) world.violated("stuck", "nothing is left to happen, and it is not over");
  else await story;
  const { violations, weather, store } = world;
  const { turns, interrupted } = simulation;
  return { violations, faults: weather.counts, turns, interrupted, writes: store.writes };
}

class TurnSimulation {
  isDone = false;
  turns = 0;
  interrupted = 0;
  readonly #world: World;
  readonly #apis: ApiProcess[] = [];
  readonly #sessions: string[] = [];
  /** What each session's users asked, and were told that it was taken. */
  readonly #asked = new Map<string, string[]>();
  #started = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async story(): Promise<void> {
    const { scheduler, random, weather } = this.#world;
    for (let i = random.between(2, 3); i > 0; i--) this.#startApi();
    await this.#createSessions();
    const start = scheduler.now;
    const inTrouble = () => scheduler.now - start < TROUBLE_MS;
    const users = this.#sessions.flatMap((session) =>
      Array.from({ length: random.between(1, 2) }, (_, n) => this.#talk(session, `u${n}`, inTrouble)),
    );
    while (inTrouble()) {
      await this.#wait(1000);
      for (const api of [...this.#apis]) this.#afflict(api);
    }
    weather.calm();
    for (const { process } of this.#apis) process.recover();
    await Promise.all(users);
    const end = scheduler.now + PEACE_MS;
    while ((weather.strays > 0 || (await this.#isBusy())) && scheduler.now < end) await this.#wait(1000);
    if (scheduler.now >= end) this.#world.violated("stuck", "turns are open long after the trouble");
    for (const session of this.#sessions) await this.#check(session);
    this.#world.isOver = true;
    this.isDone = true;
  }

  async #createSessions(): Promise<void> {
    const [api] = this.#apis;
    for (let n = 1; n <= this.#world.random.between(1, 2); ) {
      const given = { agent_id: AGENT, user_id: "u", idempotency_key: `s${n}` };
      const release = this.#world.scheduler.hold();
      // The id is a digest, which takes real time; what waits for the store takes virtual time.
      const created = api?.records.sessions.create(given).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 1));
      release();
      const session = await created;
      if (!session) continue;
      this.#sessions.push(session.session_id);
      this.#asked.set(session.session_id, []);
      n += 1;
    }
  }

  /** One person: asks one thing after another, each until an answer says that it was taken. */
  async #talk(session: string, user: string, goesOn: () => boolean): Promise<void> {
    const { random } = this.#world;
    for (let n = 1; goesOn(); n++) {
      await this.#wait(random.between(100, 3000));
      await this.#ask(session, `${user}-${n}`, goesOn);
    }
  }

  async #ask(session: string, key: string, goesOn: () => boolean): Promise<void> {
    const { random } = this.#world;
    const asked: Asked = {
      agent_id: AGENT,
      version: 1,
      caller: "test",
      key,
      text: `question ${key}`,
      files: [],
      timeout_seconds: 30,
    };
    let after: number | undefined;
    while (after !== undefined || goesOn()) {
      const api = this.#apis[random.between(0, this.#apis.length - 1)];
      if (!api) return;
      const took = await this.#patiently(api, async () => {
        const { records } = api;
        // What a person sees before asking; a question that was taken is then found there.
        const { session: head, turns } = await records.turns.list(session, { limit: 100 });
        if (turns.some((turn) => turn.key === key)) return true;
        after = head.turns;
        await api.send(session, asked, head.turns);
        return true;
      });
      if (took === true) {
        this.#asked.get(session)?.push(key);
        return;
      }
      await this.#wait(random.between(200, 1500));
    }
  }

  /** Undefined when the process crashed meanwhile, or refused. */
  async #patiently<T>(api: ApiProcess, call: () => Promise<T>): Promise<T | undefined> {
    let answer: T | undefined;
    let isAnswered = false;
    call().then(
      (value) => {
        answer = value;
        isAnswered = true;
      },
      (error: unknown) => {
        if (!isStagefoldError(error)) this.#world.failed(error);
        isAnswered = true;
      },
    );
    for (let waited = 0; !isAnswered && waited < 15_000 && !api.process.isDead; waited += 50)
      await this.#wait(50);
    return answer;
  }

  async #isBusy(): Promise<boolean> {
    if (this.#apis.some(({ running }) => running > 0)) return true;
    const heads = await Promise.all(this.#sessions.map((id) => this.#world.head(id)));
    return heads.some((head) => head?.open !== undefined);
  }

  async #check(session: string): Promise<void> {
    const head = await this.#world.head(session);
    const page = await this.#world.store.query({
      pk: `session#${session}`,
      from: "turn#",
      to: "turn#:",
      limit: 1000,
    });
    const turns = page.items.map(readTurn);
    this.turns += turns.length;
    this.interrupted += turns.filter(({ status }) => status === "interrupted").length;
    if (!head) return this.#world.violated("turn_lost", `${session} is gone`);
    this.#checkNumbers(session, head, turns);
    this.#checkTotals(session, head, turns);
    for (const turn of turns) this.#checkText(session, turn);
    for (const { session_id, turn } of this.#world.answers) {
      const stored = turns.find((one) => one.turn === turn.turn);
      if (session_id === session && JSON.stringify(stored) !== JSON.stringify(turn))
        this.#world.violated("answer_differs", `${session} ${turn.turn}`);
    }
  }

  #checkNumbers(session: string, head: Session, turns: readonly Turn[]): void {
    const numbers = turns.map(({ turn }) => turn);
    const expected = Array.from({ length: head.turns }, (_, n) => n + 1);
    if (JSON.stringify(numbers) !== JSON.stringify(expected))
      this.#world.violated("turn_lost", `${session} has ${numbers.join(" ")} of ${head.turns}`);
    const keys = turns.map(({ key }) => key);
    if (new Set(keys).size !== keys.length)
      this.#world.violated("turn_doubled", `${session}: ${keys.join(" ")}`);
    for (const key of this.#asked.get(session) ?? [])
      if (!keys.includes(key)) this.#world.violated("turn_lost", `${session}: ${key} was taken`);
    for (const user of ["u0", "u1"]) {
      const own = keys.filter((key) => key.startsWith(user)).map((key) => Number(key.split("-")[1]));
      if (own.some((n, i) => n <= (own[i - 1] ?? 0)))
        this.#world.violated("turn_reordered", `${session}: ${keys.join(" ")}`);
    }
  }

  #checkTotals(session: string, head: Session, turns: readonly Turn[]): void {
    const sum = (of: (turn: Turn) => number) => turns.reduce((total, turn) => total + of(turn), 0);
    const expected = {
      failed: sum(({ status }) => (status === "completed" ? 0 : 1)),
      input_tokens: sum(({ input_tokens }) => input_tokens),
      output_tokens: sum(({ output_tokens }) => output_tokens),
      cost_usd: roundedCost(sum(({ cost_usd }) => cost_usd)),
    };
    const found = JSON.stringify(head.totals);
    if (found !== JSON.stringify(expected))
      this.#world.violated("wrong_totals", `${session}: ${found}, expected ${JSON.stringify(expected)}`);
  }

  #checkText(session: string, turn: Turn): void {
    const log = this.#world.runs.get(`${session} ${turn.turn}`);
    const text = storedText(turn.blocks) ?? "";
    const emitted = log?.emitted ?? "";
    if (!emitted.startsWith(text)) this.#world.violated("text_lost", `${session} ${turn.turn}: other text`);
    if (turn.status !== "interrupted" && text !== emitted)
      this.#world.violated("text_lost", `${session} ${turn.turn}: ${turn.status} without its end`);
    if (text.length < (log?.checkpointed ?? "").length)
      this.#world.violated("text_lost", `${session} ${turn.turn}: less than was acknowledged`);
  }

  #startApi(): void {
    const { scheduler } = this.#world;
    this.#started += 1;
    const process = new SimulatedProcess(`api${this.#started}`, scheduler);
    process.setClock(this.#world.random.between(-300, 300));
    this.#apis.push(new ApiProcess(this.#world, process, this.#world.store));
  }

  #afflict(api: ApiProcess): void {
    const { random, weather } = this.#world;
    const { process } = api;
    const rates = { crashed: 4, frozen: 6, clock_jumped: 4, none: 86 };
    const fault = random.weighted(rates, ["crashed", "frozen", "clock_jumped", "none"]);
    if (fault === "none") return;
    weather.hit(fault);
    if (fault === "frozen") process.freeze(random.between(1000, 12_000));
    else if (fault === "clock_jumped") process.setClock(random.between(-8000, 8000));
    else {
      process.crash();
      this.#apis.splice(this.#apis.indexOf(api), 1);
      this.#startApi();
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.scheduler.after(ms, resolve));
  }
}
