import {
  type AgentRunner,
  type Block,
  endedBlocks,
  foldEvent,
  isStagefoldError,
  itemBytes,
  type LeaseState,
  type RunEvent,
  type RunOutcome,
  type RunRequest,
  type RunUsage,
  roundedCost,
  type Turn,
  type TurnLease,
} from "@stagefold/core";
import { endOf, type TurnEvent } from "./turn-event.ts";

/** How often a turn looks whether there is something to write. */
const TICK_MS = 250;
/** How often the owner asks whether another process was told to stop the turn. */
const STOP_POLL_MS = 1000;
/** Between two checkpoints: the larger of this, and of so much for each KB of the open turn. */
const CHECKPOINT_MS = 5000;
const CHECKPOINT_MS_PER_KB = 500;
/** What a runner gets beyond its own timeout, and after it was told to stop, before its turn is ended without it. */
const PATIENCE_MS = 10_000;
/** How long the end of a turn is tried to be written while the store is away. */
const GIVE_UP_MS = 10 * 60_000;
const MAX_PAUSE_MS = 5000;

/** Why a turn is ended before its runner ends it. */
type StopReason = "stopped" | "lost" | "shutdown" | "timeout";

const NO_USAGE: RunUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cached_tokens: 0,
  tool_calls: 0,
  steps: 0,
  cost_usd: 0,
};

/** A turn that this process runs: folds what its runner says, writes it down in time, and tells those who watch. */
export class LiveTurn {
  readonly #begun: Turn;
  readonly #lease: TurnLease;
  readonly #leaseMs: number;
  readonly #isStopped: () => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<(event: TurnEvent) => void>();
  readonly #abort = new AbortController();
  readonly #started = performance.now();
  #blocks: readonly Block[] = [];
  #usage: RunUsage = NO_USAGE;
  #firstTextAt: string | undefined;
  #reason: StopReason | undefined;
  #isDirty = false;
  #wroteAt = performance.now();
  #renewedAt = performance.now();
  #askedAt = performance.now();
  #ended: Turn | undefined;
  readonly #now: () => string;

  constructor(options: {
    readonly begun: Turn;
    readonly lease: TurnLease;
    readonly leaseMs: number;
    readonly now: () => string;
    readonly isStopped: () => Promise<boolean>;
    readonly onError: (error: unknown) => void;
  }) {
    this.#begun = options.begun;
    this.#lease = options.lease;
    this.#leaseMs = options.leaseMs;
    this.#now = options.now;
    this.#isStopped = options.isStopped;
    this.#onError = options.onError;
  }

  /** As it is now, further than what is stored. */
  get turn(): Turn {
    if (this.#ended) return this.#ended;
    const first = this.#firstTextAt === undefined ? {} : { first_text_at: this.#firstTextAt };
    return { ...this.#begun, ...this.#usage, ...first, blocks: [...this.#blocks] };
  }

  /** Called with everything from now on; `end` is the last. Returns the way to stop. */
  subscribe(listener: (event: TurnEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the run; its turn is then recorded with the text that there is. */
  stop(reason: StopReason): void {
    this.#reason ??= reason;
    this.#abort.abort();
  }

  /**
   * Runs the turn until its end is recorded. `ready`: when it may start; `request`: what is to be run, read when it starts.
   * Never throws.
   */
  async run(runner: AgentRunner, ready: Promise<void>, request: () => Promise<RunRequest>): Promise<void> {
    const upkeep = this.#keepUp();
    let outcome: RunOutcome;
    try {
      await Promise.race([ready, this.#aborted()]);
      outcome = this.#abort.signal.aborted
        ? cancelled(this.#usage)
        : await this.#runnerOutcome(runner, request);
    } catch (error) {
      this.#onError(error);
      const message = "The agent could not be run; the server's log says more.";
      outcome = {
        status: "failed",
        error: { code: "AGENT_FAILED", message },
        finish_reason: "error",
        usage: this.#usage,
      };
    }
    upkeep.stop();
    await upkeep.done;
    const recorded = await this.#finish(this.#endedBy(outcome));
    this.#ended = recorded;
    this.#tell(endOf(recorded));
    this.#listeners.clear();
  }

  async #runnerOutcome(runner: AgentRunner, request: () => Promise<RunRequest>): Promise<RunOutcome> {
    const given = await request();
    const { signal } = this.#abort;
    const seconds = given.settings.timeout_seconds;
    const timer = setTimeout(() => this.stop("timeout"), Math.min(seconds * 1000 + PATIENCE_MS, 2 ** 31 - 1));
    try {
      const running = runner.run(given, { signal, onEvent: (event) => this.#take(event) });
      // A runner that does not obey keeps no turn open.
      const patience = this.#aborted()
        .then(() => wait(PATIENCE_MS))
        .then(() => cancelled(this.#usage));
      return await Promise.race([running, patience]);
    } finally {
      clearTimeout(timer);
    }
  }

  #take(event: RunEvent): void {
    if (this.#ended) return;
    this.#blocks = foldEvent(this.#blocks, event);
    if (event.event === "usage") this.#usage = event.usage;
    if (event.event === "text") this.#firstTextAt ??= this.#now();
    this.#isDirty = true;
    this.#tell(event);
  }

  #tell(event: TurnEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** What the turn was, by what its runner says and why it was stopped. */
  #endedBy(outcome: RunOutcome): Turn {
    const ended_at = this.#now();
    const usage = { ...outcome.usage, cost_usd: roundedCost(outcome.usage.cost_usd) };
    const first_text_at = outcome.first_text_at ?? this.#firstTextAt;
    const common = {
      ...this.#begun,
      ...usage,
      blocks: endedBlocks(this.#blocks, "The answer ended before the tool did."),
      ended_at,
      duration_ms: Math.max(0, Math.round(performance.now() - this.#started)),
      ...(first_text_at !== undefined && { first_text_at }),
    };
    if (outcome.status !== "cancelled")
      return {
        ...common,
        status: outcome.status,
        error: outcome.error,
        finish_reason: outcome.finish_reason,
      };
    switch (this.#reason) {
      case "timeout":
        return {
          ...common,
          status: "failed",
          error: { code: "AGENT_TIMEOUT", message: "The agent took longer than it may." },
          finish_reason: "timeout",
        };
      case "shutdown":
      case "lost":
        return {
          ...common,
          status: "interrupted",
          error: { code: "RUNNER_LOST", message: "The server that ran this turn was stopped." },
          finish_reason: "interrupted",
        };
      case "stopped":
      case undefined:
        return { ...common, status: "cancelled", error: null, finish_reason: outcome.finish_reason };
      default:
        return this.#reason satisfies never;
    }
  }

  /** Tries for a while; then the reconciler of any process ends the turn with what was checkpointed. */
  async #finish(ended: Turn): Promise<Turn> {
    const until = performance.now() + GIVE_UP_MS;
    for (let pauseMs = 100; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        return (await this.#lease.finish(ended)) ?? ended;
      } catch (error) {
        this.#onError(error);
        const isOver = performance.now() > until || this.#reason === "shutdown";
        if (isOver || !isStagefoldError(error, "STORE_UNAVAILABLE")) return ended;
        await wait(pauseMs);
      }
    }
  }

  /** Checkpoints, heartbeats and the look for a stop, one after the other, while the turn runs. */
  #keepUp(): { readonly done: Promise<void>; stop(): void } {
    let isOver = false;
    let wake: (() => void) | undefined;
    const loop = async () => {
      while (!isOver) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, TICK_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        if (!isOver) await this.#upkeep().catch((error: unknown) => this.#onError(error));
      }
    };
    const stop = () => {
      isOver = true;
      wake?.();
    };
    return { done: loop(), stop };
  }

  async #upkeep(): Promise<void> {
    const now = performance.now();
    if (this.#isDirty && now - this.#wroteAt >= this.#checkpointMs()) {
      this.#isDirty = false;
      this.#wroteAt = now;
      this.#renewedAt = now;
      const first_text_at = this.#firstTextAt;
      this.#obey(await this.#lease.checkpoint({ blocks: this.#blocks, usage: this.#usage, first_text_at }));
    } else if (now - this.#renewedAt >= this.#leaseMs / 3) {
      this.#renewedAt = now;
      this.#obey(await this.#lease.heartbeat());
    } else if (now - this.#askedAt >= STOP_POLL_MS) {
      this.#askedAt = now;
      if (await this.#isStopped()) this.stop("stopped");
    }
  }

  #checkpointMs(): number {
    const kilobytes = itemBytes({ user: this.#begun.user, blocks: this.#blocks }) / 1024;
    return Math.max(CHECKPOINT_MS, CHECKPOINT_MS_PER_KB * kilobytes);
  }

  #obey({ isHeld, isStopped }: LeaseState): void {
    if (!isHeld) this.stop("lost");
    else if (isStopped) this.stop("stopped");
  }

  #aborted(): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
}

function cancelled(usage: RunUsage): RunOutcome {
  return { status: "cancelled", error: null, finish_reason: "stopped", usage };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
