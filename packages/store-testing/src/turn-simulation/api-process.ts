import {
  AgentRecords,
  type Asked,
  type Begun,
  type Block,
  createMemoryFileStores,
  isStagefoldError,
  type RecordStore,
  type Turn,
} from "@stagefold/core";
import type { Random } from "../simulation/random.ts";
import { Connection } from "./connection.ts";
import type { SimulatedProcess } from "./process.ts";
import type { World } from "./world.ts";

const LEASE_MS = 4000;
const RETRY_MS = 400;

/** An API process: takes questions, answers them word by word, and completes what others left. */
export class ApiProcess {
  readonly process: SimulatedProcess;
  readonly records: AgentRecords;
  readonly #world: World;
  readonly #random: Random;
  /** Whether it continues after an answer that a turn is no longer its own. */
  readonly #isStubborn: boolean;
  /** Turns that it runs. */
  running = 0;

  constructor(world: World, process: SimulatedProcess, store: RecordStore) {
    this.#world = world;
    this.process = process;
    this.#random = world.random.fork();
    this.#isStubborn = this.#random.chance(0.5);
    this.records = new AgentRecords({
      records: new Connection(store, process, world.weather),
      artifacts: createMemoryFileStores().artifacts,
      clock: process.clock,
      monotonic: () => world.scheduler.now,
      leaseMs: LEASE_MS,
      newId: () => `${process.name}-${world.nextId()}`,
    });
    void this.#reconcile();
  }

  /** Errors: as `Turns.begin`. */
  async send(sessionId: string, asked: Asked, afterTurn: number): Promise<Begun> {
    const begun = await this.records.turns.begin(sessionId, asked, afterTurn);
    if (!begun.again) void this.#run(sessionId, begun);
    return begun;
  }

  async #run(sessionId: string, { turn, lease }: Extract<Begun, { again: false }>): Promise<void> {
    const log = this.#world.ran(sessionId, turn.turn ?? 0);
    this.running += 1;
    let text = "";
    let isHeld = true;
    const usage = { ...NO_USAGE };
    for (let words = this.#random.between(0, 12); words > 0 && isHeld; words--) {
      await this.process.sleep(this.#random.between(50, 900));
      text += `${this.process.name}.${words} `;
      usage.output_tokens += 1;
      log.emitted = text;
      const state = await (this.#random.chance(0.6)
        ? lease.checkpoint({ blocks: [{ type: "text", text }], usage: { ...usage } })
        : lease.heartbeat()
      ).catch(ignoreUnavailable);
      if (state?.isHeld === true)
        log.checkpointed = storedText(await this.#peek(sessionId, turn)) ?? log.checkpointed;
      isHeld = state?.isHeld !== false || this.#isStubborn;
    }
    const blocks: Block[] = text === "" ? [] : [{ type: "text", text }];
    const ended: Turn = {
      ...turn,
      ...usage,
      status: this.#random.chance(0.8) ? "completed" : "failed",
      input_tokens: this.#random.between(1, 100),
      blocks,
      ended_at: turn.started_at,
    };
    for (;;) {
      try {
        const recorded = await lease.finish(ended);
        this.#world.answered(sessionId, recorded);
        break;
      } catch (error) {
        ignoreUnavailable(error);
        await this.process.sleep(RETRY_MS);
      }
    }
    this.running -= 1;
  }

  /** What the head has of the turn, whatever the weather: for the checks alone. */
  async #peek(sessionId: string, turn: Turn): Promise<readonly Block[] | undefined> {
    const head = await this.#world.head(sessionId);
    const open = head?.open;
    return open?.turn === turn.turn ? open?.blocks : undefined;
  }

  async #reconcile(): Promise<void> {
    for (;;) {
      await this.process.sleep(this.#random.between(500, 6000));
      if (this.#world.isOver) return;
      await this.records.reconcile((error) => this.#world.failed(error)).catch(ignoreUnavailable);
    }
  }
}

const NO_USAGE = {
  input_tokens: 0,
  output_tokens: 0,
  cached_tokens: 0,
  tool_calls: 0,
  steps: 1,
  cost_usd: 0.001,
};

export function storedText(blocks: readonly Block[] | undefined): string | undefined {
  return blocks?.map((block) => (block.type === "text" ? block.text : "")).join("");
}

/** What weather does is no mistake; anything else is. */
function ignoreUnavailable(error: unknown): undefined {
  if (!isStagefoldError(error, "STORE_UNAVAILABLE")) throw error;
  return undefined;
}
