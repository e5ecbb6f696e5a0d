// Long because: how a question becomes a turn, and who may still stop it, is read in one place.
import {
  type Agent,
  type AgentRecords,
  type AgentRunner,
  type AgentVersion,
  type ArtifactStore,
  type Asker,
  type Begun,
  invalidInput,
  keyedInvocationId,
  newInvocationId,
  newOperationId,
  requireOwner,
  StagefoldError,
  sessionBusy,
  type Turn,
  type TurnFile,
  type TurnTarget,
} from "@stagefold/core";
import { NO_TELEMETRY, type Telemetry } from "@stagefold/runtime/telemetry";
import type { FileInput } from "./files.ts";
import { keepFiles } from "./files.ts";
import { LiveTurn } from "./live-turn.ts";
import { Slots } from "./slots.ts";
import { tracedTurn } from "./traced-turn.ts";
import type { TurnEvent } from "./turn-event.ts";
import { historyOf, watchTurn } from "./watch-turn.ts";

/** How often what dead processes left is looked for. */
const RECONCILE_MS = 15_000;
/** How often sessions that were kept long enough are looked for. */
const EXPIRE_MS = 60 * 60_000;
/** What running turns get to end by themselves when the server is stopped. */
const CLOSE_MS = 3000;
/** Turns that wait for one of the running ones to end: so many times as many as may run. */
const WAITING_TIMES = 8;

export interface TurnEngineOptions {
  readonly records: AgentRecords;
  readonly artifacts: ArtifactStore;
  /** Without one nothing can be asked, only read. */
  readonly runner?: AgentRunner | undefined;
  /** Turns that run at the same time; the others wait. */
  readonly concurrency: number;
  readonly telemetry?: Telemetry | undefined;
  /** Refuses an agent that cannot be run here, such as one whose model is not set. */
  readonly requireRunnable?: ((agent: Agent, version: AgentVersion) => void) | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What a caller asks, checked. */
export interface Question {
  readonly text: string;
  readonly files: readonly FileInput[];
  /** Files that its session has already. */
  readonly kept?: readonly TurnFile[] | undefined;
  readonly key?: string | undefined;
  readonly caller: string;
  readonly retry_of?: number | string | undefined;
  /** The trace context of the call. */
  readonly traceparent?: string | undefined;
}

/** What answers a question, and what it is given. */
interface AskedAgent {
  readonly agent: Agent;
  readonly version: AgentVersion;
  readonly traceparent: string | undefined;
  readonly history: () => Promise<Turn[]>;
}

/** Runs turns in this process: begin, run, checkpoint, archive, end. */
export class TurnEngine {
  readonly #options: TurnEngineOptions;
  readonly #live = new Map<string, { readonly turn: LiveTurn; readonly done: Promise<void> }>();
  readonly #slots: Slots;
  #isClosing = false;
  #expireAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TurnEngineOptions) {
    this.#options = options;
    this.#slots = new Slots(options.concurrency);
  }

  /** Begins to look for what dead processes left. */
  start(): void {
    const next = () => {
      if (this.#isClosing) return;
      this.#timer = setTimeout(() => void this.reconcile().then(next), RECONCILE_MS);
      this.#timer.unref();
    };
    if (!this.#isClosing) void this.reconcile().then(next);
  }

  /** Never throws. */
  async reconcile(): Promise<void> {
    if (this.#isClosing) return;
    const onError = (error: unknown) => this.#options.onError?.(error);
    await this.#options.records.reconcile(onError).catch(onError);
    if (performance.now() < this.#expireAt) return;
    this.#expireAt = performance.now() + EXPIRE_MS;
    await this.#options.records.removeExpired(onError).catch(onError);
  }

  /** Takes no more questions; lets running turns end for a moment, then records them as interrupted. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    const all = [...this.#live.values()];
    const done = Promise.allSettled(all.map((one) => one.done));
    const timer = setTimeout(() => {
      for (const { turn } of all) turn.stop("shutdown");
    }, CLOSE_MS);
    await done;
    clearTimeout(timer);
  }

  get figures(): { readonly running: number; readonly waiting: number } {
    return this.#slots.figures;
  }

  /**
   * The session's next turn, which then runs. Errors: SESSION_NOT_FOUND, SESSION_BUSY, SESSION_CONFLICT, AGENT_NOT_FOUND,
   * AGENT_DISABLED, MODEL_NOT_CONFIGURED, IDEMPOTENCY_MISMATCH, FORBIDDEN, RATE_LIMITED, INVALID_INPUT.
   */
  async send(
    sessionId: string,
    question: Question,
    options: { readonly afterTurn?: number | undefined; readonly asker: Asker },
  ): Promise<Begun> {
    const { records, artifacts } = this.#options;
    const session = await records.sessions.get(sessionId);
    // Before a file is kept: the write of the turn asks the same once more.
    requireOwner(session, options.asker, "session");
    const { agent, version } = await this.#runnable(session.agent_id);
    const asked = {
      ...this.#asked(agent, version, question),
      user_id: session.user_id,
      files: [...(question.kept ?? []), ...(await keepFiles(artifacts, sessionId, question.files))],
    };
    const begun = await records.turns.begin(sessionId, asked, options.afterTurn, options.asker);
    const turn = begun.turn.turn ?? 0;
    if (!begun.again)
      this.#start({ session_id: sessionId, turn }, begun, {
        agent,
        version,
        traceparent: question.traceparent,
        history: () => historyOf(records, sessionId, turn),
      });
    return begun;
  }

  /** The question of an earlier turn once more. Errors: as `send`, TURN_NOT_FOUND, INVALID_INPUT for one that runs. */
  async repeat(
    target: { readonly session_id: string; readonly turn: number },
    again: Pick<Question, "key" | "caller" | "retry_of" | "traceparent">,
    asker: Asker,
  ): Promise<Begun> {
    const { user, status } = await this.get(target);
    if (status === "running") throw sessionBusy(target.session_id, target.turn);
    const question = { ...again, text: user.text, files: [], kept: user.files };
    return await this.send(target.session_id, question, { asker });
  }

  /** With its sessions and calls; those that run are stopped. Errors: AGENT_NOT_FOUND, FORBIDDEN. */
  async deleteAgent(ref: string, asker: Asker): Promise<Agent> {
    const agent = await this.#options.records.deleteAgent(ref, asker);
    this.#stopAll(({ turn }) => turn.agent_id === agent.agent_id);
    return agent;
  }

  /** What deleted ones leave is removed once their owner, this process, has stopped. */
  #stopAll(isDeleted: (live: LiveTurn) => boolean): void {
    for (const { turn, done } of this.#live.values()) {
      if (!isDeleted(turn)) continue;
      turn.stop("stopped");
      void done.then(() => this.reconcile());
    }
  }

  /** Its running turn is stopped. Errors: SESSION_NOT_FOUND, FORBIDDEN. */
  async deleteSession(sessionId: string, asker: Asker): Promise<void> {
    await this.#options.records.sessions.delete(sessionId, asker);
    this.#stopAll(({ turn }) => turn.session_id === sessionId);
  }

  /** A call without a session. Errors: as `send`. */
  async invoke(agentRef: string, question: Question, user_id: string | undefined): Promise<Begun> {
    const { records, artifacts } = this.#options;
    const { agent, version } = await this.#runnable(agentRef);
    const invocation_id =
      question.key === undefined ? newInvocationId() : await keyedInvocationId(user_id, question.key);
    const asked = {
      ...this.#asked(agent, version, question),
      user_id,
      files: await keepFiles(artifacts, invocation_id, question.files),
    };
    const begun = await records.turns.invoke(invocation_id, asked);
    const { traceparent } = question;
    if (!begun.again)
      this.#start({ invocation_id }, begun, { agent, version, traceparent, history: async () => [] });
    return begun;
  }

  /** Stops a turn, of whichever process. Answers with the turn as it is then. Errors: TURN_NOT_FOUND, FORBIDDEN. */
  async stop(target: TurnTarget, asker: Asker): Promise<Turn> {
    const turn = await this.#options.records.turns.stop(target, asker);
    this.#live.get(nameOf(target))?.turn.stop("stopped");
    return turn;
  }

  /** The turn as it is now. Errors: SESSION_NOT_FOUND, TURN_NOT_FOUND. */
  async get(target: TurnTarget): Promise<Turn> {
    return this.#live.get(nameOf(target))?.turn.turn ?? (await this.#options.records.turns.get(target));
  }

  /** Waits for the end of a turn, at most so long; answers with it as it is then. */
  async waitForEnd(target: TurnTarget, ms: number, signal?: AbortSignal): Promise<Turn> {
    const timeout = AbortSignal.timeout(ms);
    const both = signal ? AbortSignal.any([signal, timeout]) : timeout;
    for await (const { event } of this.watch(target, both)) if (event === "end") break;
    return await this.get(target);
  }

  watch(target: TurnTarget, signal: AbortSignal | undefined): AsyncGenerator<TurnEvent, void, undefined> {
    const liveOf = () => this.#live.get(nameOf(target))?.turn;
    return watchTurn(this.#options.records, liveOf, target, signal);
  }

  async #runnable(agentRef: string): Promise<{ agent: Agent; version: AgentVersion }> {
    if (this.#isClosing)
      throw new StagefoldError("STORE_UNAVAILABLE", "The server is being stopped.", { retry_after: 2 });
    const limit = this.#options.concurrency * WAITING_TIMES;
    if (this.#slots.figures.waiting >= limit)
      throw new StagefoldError("RATE_LIMITED", `${limit} turns wait already.`, { retry_after: 5 });
    const agent = await this.#options.records.agents.get(agentRef);
    if (agent.status === "disabled") {
      const message = `The agent ${agent.agent_id} is disabled.`;
      throw new StagefoldError("AGENT_DISABLED", message, { agent_id: agent.agent_id });
    }
    const version = agent.versions.find((one) => one.version === agent.version);
    if (agent.versions.length === 0)
      throw invalidInput(
        "The agent was imported and cannot answer yet: a build that names it makes it able to.",
        ["agent_id"],
      );
    if (!version || version.files_gone === true)
      throw invalidInput(`The files of version ${agent.version} are gone: choose another version.`, [
        "agent_id",
      ]);
    this.#options.requireRunnable?.(agent, version);
    return { agent, version };
  }

  #asked(agent: Agent, version: AgentVersion, { text, key, caller, retry_of }: Question) {
    return {
      agent_id: agent.agent_id,
      version: version.version,
      caller,
      key: key ?? newOperationId(),
      text,
      retry_of,
      timeout_seconds: agent.settings.timeout_seconds,
    };
  }

  #start(
    target: TurnTarget,
    { turn, lease }: Extract<Begun, { again: false }>,
    { agent, version, traceparent: parent, history }: AskedAgent,
  ): void {
    const { runner, records, telemetry = NO_TELEMETRY } = this.#options;
    if (!runner) throw new Error("This server runs no agents.");
    const live = new LiveTurn({
      begun: turn,
      lease,
      leaseMs: records.leaseMs,
      now: () => new Date(records.clock.now()).toISOString(),
      isStopped: () => records.turns.isStopped(target),
      onError: (error) => this.#options.onError?.(error),
    });
    const slot = this.#slots.take();
    const request = async (traceparent: string | undefined) => ({
      traceparent,
      agent,
      version,
      history: await history(),
      user: turn.user,
      settings: agent.settings,
      place: lease.place,
    });
    const run = async (traceparent: string | undefined) => {
      await live.run(runner, slot.ready, () => request(traceparent));
      return live.turn;
    };
    const done = tracedTurn(telemetry, { target, agent, version, parent }, run).finally(() => {
      slot.release();
      this.#live.delete(nameOf(target));
    });
    this.#live.set(nameOf(target), { turn: live, done });
  }
}

function nameOf(target: TurnTarget): string {
  return "invocation_id" in target ? target.invocation_id : `${target.session_id}#${target.turn}`;
}
