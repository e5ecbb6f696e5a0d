import type { Project, ReportEvent, Stage } from "@stagefold/core";
import type { Pipeline, StageDefinition } from "@stagefold/pipeline";
import type { Logger } from "pino";
import { sleep } from "../async.ts";
import type { StopReason } from "../runner/protocol.ts";
import { Attempt, type AttemptEnd, type AttemptOptions } from "./attempt.ts";

/** How often a paused build with running stages is looked at, in milliseconds: it may be resumed meanwhile. */
const PAUSED_LOOK_MS = 500;

/** An attempt of a stage that has ended and whose end is not written yet. */
export interface EndedAttempt {
  readonly definition: StageDefinition;
  readonly stage: Stage;
  readonly position: number;
  readonly end: AttemptEnd;
}

interface Running {
  readonly number: number;
  readonly log: Logger;
  readonly attempt: Attempt;
  readonly ended: Promise<EndedAttempt>;
}

type Shared = Omit<AttemptOptions, "pipeline" | "definition" | "stage" | "position">;

/** The attempts of a build that run in this worker, one for each running stage. */
export class RunningAttempts {
  readonly #shared: Shared;
  readonly #running = new Map<string, Running>();
  #stopped: { readonly reason: StopReason; readonly graceMs: number } | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Says which stage and attempt runs, or which stages, where several do. */
  get log(): Logger {
    const [only, ...others] = this.#running.values();
    if (only !== undefined && others.length === 0) return only.log;
    return only ? this.#shared.log.child({ stages: [...this.#running.keys()] }) : this.#shared.log;
  }

  /** Runs the stages that run by the project and not here yet. */
  launch(pipeline: Pipeline, project: Project): void {
    for (const [position, stage] of project.stages_snapshot.stages.entries()) {
      if (stage.status !== "running" || this.#running.has(stage.stage)) continue;
      const definition = pipeline.stages[position];
      if (!definition) throw new Error(`Expected a stage at position ${position}; found none.`);
      const log = this.#shared.log.child({ stage: stage.stage, attempt: stage.attempt });
      log.info("stage started");
      const attempt = new Attempt({ ...this.#shared, pipeline, definition, stage, position, log });
      if (this.#stopped) attempt.stop(this.#stopped.reason, this.#stopped.graceMs);
      const ended = attempt.run().then((end) => ({ definition, stage, position, end }));
      this.#running.set(stage.stage, { number: stage.attempt, log, attempt, ended });
    }
  }

  /** The next attempt that ends; undefined when a stage may begin meanwhile that waits for its next attempt. */
  async next(project: Project): Promise<EndedAttempt | undefined> {
    const looked = new AbortController();
    const wait = waitBeforeLook(project, this.#shared.deps.repository.now());
    const look = wait === undefined ? [] : [sleep(wait, looked.signal).then(() => undefined)];
    const ended = await Promise.race([...[...this.#running.values()].map((one) => one.ended), ...look]);
    looked.abort();
    if (ended) this.#running.delete(ended.stage.stage);
    return ended;
  }

  /** Ends all that run, and those that are launched later; a second call may shorten the grace, in milliseconds. */
  stop(reason: StopReason, graceMs: number): void {
    this.#stopped = { reason, graceMs };
    for (const { attempt } of this.#running.values()) attempt.stop(reason, graceMs);
  }

  /** Ends those whose stages do not run any more by the project: the build has failed beside them. */
  async dropEnded(project: Project, graceMs: number): Promise<void> {
    const { stages } = project.stages_snapshot;
    const runs = ([key, { number }]: [string, Running]) =>
      stages.some(
        ({ stage, status, attempt }) => stage === key && status === "running" && attempt === number,
      );
    const over = [...this.#running].filter((one) => !runs(one));
    // All are asked before any is waited for: together they take one grace.
    for (const [, { attempt }] of over) attempt.stop("cancelled", graceMs);
    await Promise.all(over.map(([, { ended }]) => ended));
    for (const [key] of over) this.#running.delete(key);
  }

  /** Ends those that run now, and resolves with how they did. */
  async stopOthers(reason: StopReason, graceMs: number): Promise<readonly EndedAttempt[]> {
    const all = [...this.#running.values()];
    for (const { attempt } of all) attempt.stop(reason, graceMs);
    const ends = await Promise.all(all.map((one) => one.ended));
    this.#running.clear();
    return ends;
  }
}

/** Milliseconds until something may begin without another stage's end. */
function waitBeforeLook({ status, stages_snapshot }: Project, now: string): number | undefined {
  if (status === "paused") return PAUSED_LOOK_MS;
  const tries = stages_snapshot.stages.flatMap(({ status: state, retry_at }) =>
    state === "pending" && retry_at !== undefined ? [Date.parse(retry_at) - Date.parse(now)] : [],
  );
  // One that is due and does not begin has no room: the end of another stage makes some.
  const ahead = tries.filter((ms) => ms > 0);
  return ahead.length === 0 ? undefined : Math.min(...ahead) + 1;
}

/** What an attempt that was stopped leaves to be written: its own end, where it was quicker, else what it has used. */
export function leftEvents({ stage, end }: EndedAttempt): ReportEvent[] {
  const { outcome, metrics } = end;
  if (outcome.kind !== "completed") {
    const hasUsed = Object.keys(metrics).length > 0;
    const used: ReportEvent = { event: "noted", stage: stage.stage, metrics: { ...metrics } };
    return hasUsed ? [...end.events, used] : [...end.events];
  }
  const output = { ...outcome.output };
  return [...end.events, { event: "completed", stage: stage.stage, output, metrics: { ...metrics } }];
}
