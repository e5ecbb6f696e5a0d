import {
  isFinished,
  isStagefoldError,
  type NotRun,
  type Project,
  type ReportEvent,
  type Stage,
} from "@stagefold/core";
import type { GateAction, GateQuestion, Pipeline, StageDefinition } from "@stagefold/pipeline";
import type { Logger } from "pino";
import type { BuildDeps } from "../deps.ts";
import type { StageFailure } from "../runner/protocol.ts";
import type { AttemptEnd } from "./attempt.ts";
import { failureCode, retryDelay } from "./failure.ts";
import { fixedQuestion, waitingEvent } from "./gate.ts";
import type { LeaseWriter } from "./lease-writer.ts";
import { LeaseLostError } from "./lease-writer.ts";
import { runsAs } from "./pipeline-match.ts";

type FailedEvent = Extract<ReportEvent, { event: "failed" }>;

/** Characters of an error that a last try to record the end of an attempt names. */
const MAX_REASON = 500;

export interface StageBoundaryOptions {
  readonly deps: BuildDeps;
  readonly writer: LeaseWriter;
  readonly log: () => Logger;
  /** Whether no further stage may start here. */
  readonly isLeaving: () => boolean;
}

/** The writes at the boundaries of stages. Each throws LeaseLostError when the lease is over. */
export class StageBoundary {
  readonly #deps: BuildDeps;
  readonly #writer: LeaseWriter;
  readonly #log: () => Logger;
  readonly #isLeaving: () => boolean;
  readonly #unsaid: string[] = [];
  #digest = "";

  constructor({ deps, writer, log, isLeaving }: StageBoundaryOptions) {
    this.#deps = deps;
    this.#writer = writer;
    this.#log = log;
    this.#isLeaving = isLeaving;
  }

  /** Where the first stage that is not finished stands, after a position. */
  nextOpen(after = -1): number | undefined {
    const { stages } = this.#writer.project.stages_snapshot;
    const position = stages.findIndex((stage, i) => i > after && !isFinished(stage));
    return position < 0 ? undefined : position;
  }

  /**
   * Starts a stage. False when there is nothing to run: a gate is open now, or no stage may start, such as of a project
   * paused meanwhile, which is given back.
   */
  async start(pipeline: Pipeline, position: number): Promise<boolean> {
    const begins = this.#begins(pipeline, position);
    if (this.#mayBegin(begins)) {
      if (begins.event === "started") this.#deps.runner.prepare(this.#writer.project.user_id);
      const project = await this.#writeUnlessPaused([begins, ...this.#remarks(begins)]);
      if (project) return project.status === "building";
    }
    await this.giveBack([]);
    return false;
  }

  /** A gate needs no worker once it is open. */
  #mayBegin(begins: ReportEvent): boolean {
    return !this.#isLeaving() || begins.event === "waiting";
  }

  /**
   * Ends a stage and starts the one at `next` in the same write. False when there is nothing to run: the next one is a
   * gate, which is open now; or it may not start, and the stage's end is written without it, and the build is given back
   * or, after its last stage, over.
   */
  async complete(
    pipeline: Pipeline,
    done: readonly ReportEvent[],
    next: number | undefined,
  ): Promise<boolean> {
    const begins = next === undefined ? undefined : this.#begins(pipeline, next);
    if (begins && this.#mayBegin(begins) && this.#writer.project.status === "building") {
      const project = await this.#writeUnlessPaused([...done, begins, ...this.#remarks(begins)]);
      // An end that could not be recorded as such has failed the build instead.
      if (project) return project.status === "building";
    }
    await this.#writer.write(done, { release: next !== undefined });
    return false;
  }

  /** Opens a gate whose question the stage has made. */
  async ask(
    definition: StageDefinition,
    action: GateAction,
    stage: Stage,
    said: readonly ReportEvent[],
    asked: GateQuestion,
  ): Promise<void> {
    const event = waitingEvent(this.#writer.project, stage.stage, definition, action, asked);
    if (await this.#writeUnlessPaused([...said, event])) return;
    // Paused meanwhile: the question is made again when the build goes on.
    await this.giveBack(said);
  }

  /** Ends an attempt that failed; the project fails with it unless the stage is to be tried again. */
  async fail(
    definition: StageDefinition,
    stage: Stage,
    end: AttemptEnd,
    failure: StageFailure,
  ): Promise<void> {
    const { project } = this.#writer;
    const current = project.stages_snapshot.stages.find((one) => one.stage === stage.stage) ?? stage;
    const retry_in_seconds = retryDelay(current, definition.retry, failure);
    const event: FailedEvent = {
      event: "failed",
      stage: stage.stage,
      message: failure.message,
      code: failureCode(failure.code),
      metrics: { ...end.metrics },
      ...(failure.exit_code !== undefined && { exit_code: failure.exit_code }),
      ...(failure.signal !== undefined && { signal: failure.signal }),
      ...(retry_in_seconds !== undefined && { retry_in_seconds }),
    };
    this.#log().warn({ failure, retry_in_seconds }, "stage failed");
    await this.#writeEnd(end.events, event);
    if (retry_in_seconds !== undefined) this.#deps.metrics.retries.inc({ by: "stage" });
  }

  /**
   * The end of an attempt must not be lost because of what the stage said: what the store refuses is left out, first
   * its last events, then its own words. The last try is made of this worker's words alone.
   */
  async #writeEnd(said: readonly ReportEvent[], end: FailedEvent): Promise<void> {
    const { event, stage, code } = end;
    const tries = [...(said.length > 0 ? [[...said, end]] : []), [end]];
    let reason = "";
    for (const events of tries) {
      try {
        await this.#writer.write(events);
        return;
      } catch (error) {
        if (error instanceof LeaseLostError) throw error;
        this.#log().error({ err: error }, "the end of an attempt was refused and is written with less");
        reason = error instanceof Error ? error.message : String(error);
      }
    }
    const why = reason.toWellFormed().slice(0, MAX_REASON);
    const message = `The stage ended, and what it ended with could not be stored: ${why}`;
    await this.#writer.write([{ event, stage, code, message }]);
  }

  /** The pipeline has other stages now: the build fails with that. */
  async pipelineChanged(message: string): Promise<void> {
    this.#log().error(message);
    await this.failAsItIs({ code: "PIPELINE_CHANGED", message });
  }

  /** Fails the build at the stage that runs, or at the one that would run next. */
  async failAsItIs({ code, message }: StageFailure): Promise<void> {
    const { stages } = this.#writer.project.stages_snapshot;
    const stage = stages[this.nextOpen() ?? stages.length - 1];
    if (stage === undefined) throw new Error("Expected a project with stages; found none.");
    const failed: FailedEvent = { event: "failed", stage: stage.stage, message, code: failureCode(code) };
    if (stage.status === "running") await this.#writeEnd([], failed);
    else if (!(await this.#writeUnlessPaused([{ event: "started", stage: stage.stage }, failed])))
      await this.giveBack([]);
  }

  /** `notRun` says why this worker cannot run it; after several workers that cannot, the build fails. */
  async giveBack(said: readonly ReportEvent[], notRun?: NotRun): Promise<void> {
    const release = notRun ?? true;
    try {
      await this.#writer.write(said, { release });
    } catch (error) {
      if (error instanceof LeaseLostError || said.length === 0) throw error;
      this.#log().error({ err: error }, "the last events of a stage were refused and are left out");
      await this.#writer.write([], { release });
    }
    this.#log().info("build given back");
  }

  /** Undefined when the project is in a state in which no stage may start. */
  async #writeUnlessPaused(events: readonly ReportEvent[]): Promise<Project | undefined> {
    try {
      return await this.#writer.write(events);
    } catch (error) {
      if (!isStagefoldError(error, "PROJECT_CONFLICT")) throw error;
      this.#log().info({ reason: error.message }, "no stage may start now");
      return undefined;
    }
  }

  /** The event that begins a stage: a gate whose question is known is open with it. */
  #begins(pipeline: Pipeline, position: number): ReportEvent {
    const { project } = this.#writer;
    const stage = project.stages_snapshot.stages[position];
    const definition = pipeline.stages[position];
    if (!stage || !definition) throw new Error(`Expected a stage at position ${position}; found none.`);
    const { action, agent_name } = definition;
    const question = action.kind === "gate" ? fixedQuestion(action) : undefined;
    if (action.kind === "gate" && question)
      return waitingEvent(project, stage.stage, definition, action, question);
    const runs = runsAs({ pipeline, digest: this.#digest }, definition, this.#deps.pipelines);
    if (runs.remark !== undefined) this.#unsaid.push(runs.remark);
    return {
      event: "started",
      stage: stage.stage,
      definition: runs.digest,
      ...(agent_name !== undefined && { agent_name }),
    };
  }

  /** Which definition the stages run; a remark is said in the log of the one that starts next. */
  runs({ digest, remark }: { readonly digest: string; readonly remark?: string }): void {
    this.#digest = digest;
    if (remark !== undefined) this.#unsaid.push(remark);
  }

  #remarks({ event, stage }: ReportEvent): ReportEvent[] {
    if (event !== "started" || this.#unsaid.length === 0) return [];
    const lines = this.#unsaid.splice(0).map((text) => ({ text, stream: "log" as const }));
    return [{ event: "log", stage, lines }];
  }
}
