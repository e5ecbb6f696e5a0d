import {
  isFinished,
  isStagefoldError,
  type Project,
  type Release,
  type ReportEvent,
  readyStages,
  type Stage,
} from "@stagefold/core";
import type { GateAction, GateQuestion, Pipeline, StageDefinition } from "@stagefold/pipeline";
import type { Logger } from "pino";
import type { BuildDeps } from "../deps.ts";
import type { StageFailure } from "../runner/protocol.ts";
import type { AttemptEnd } from "./attempt.ts";
import type { EarlierOutputs } from "./earlier-outputs.ts";
import { failureCode, retryDelay } from "./failure.ts";
import { fixedQuestion, waitingEvent } from "./gate.ts";
import type { LeaseWriter } from "./lease-writer.ts";
import { LeaseLostError } from "./lease-writer.ts";
import { nextStages } from "./next-stages.ts";
import { runsAs } from "./pipeline-match.ts";

type FailedEvent = Extract<ReportEvent, { event: "failed" }>;

/** Characters of an error that a last try to record the end of an attempt names. */
const MAX_REASON = 500;

export interface StageBoundaryOptions {
  readonly deps: BuildDeps;
  readonly writer: LeaseWriter;
  readonly outputs: EarlierOutputs;
  readonly log: () => Logger;
  /** Whether no further stage may start here. */
  readonly isLeaving: () => boolean;
}

/** What the next write of a boundary begins. */
interface Beginning {
  readonly events: readonly ReportEvent[];
  /** No worker could begin anything now: stages wait for their next attempt, and a gate for these. */
  readonly isIdle?: boolean;
}

/** The writes at the boundaries of stages. Each throws LeaseLostError when the lease is over. */
export class StageBoundary {
  readonly #deps: BuildDeps;
  readonly #writer: LeaseWriter;
  readonly #outputs: EarlierOutputs;
  readonly #log: () => Logger;
  readonly #isLeaving: () => boolean;
  readonly #unsaid: string[] = [];
  #digest = "";

  constructor({ deps, writer, outputs, log, isLeaving }: StageBoundaryOptions) {
    this.#deps = deps;
    this.#writer = writer;
    this.#outputs = outputs;
    this.#log = log;
    this.#isLeaving = isLeaving;
  }

  /**
   * Starts what is ready. Where nothing runs and nothing may start, the build is given back, such as one that was paused
   * meanwhile. A gate whose question is known is open then.
   */
  async start(pipeline: Pipeline): Promise<void> {
    const { project } = this.#writer;
    const runs = project.stages_snapshot.stages.some(({ status }) => status === "running");
    const { events, isIdle } = runs
      ? await this.#nextUnlessAway(pipeline, project)
      : await this.#next(pipeline, project);
    if (events.length > 0 && (await this.#writeUnlessPaused(events))) return;
    if (!runs) await this.giveBack([], isIdle ? "idle" : true);
  }

  /**
   * Ends a stage and starts what is ready then in the same write. `after`: the project with the stage ended. Where
   * nothing runs and nothing may start, the stage's end is written alone, and the build is given back or, after its last
   * stage, over.
   */
  async complete(pipeline: Pipeline, done: readonly ReportEvent[], after: Project): Promise<void> {
    const { events, isIdle } = await this.#nextUnlessAway(pipeline, after);
    if (events.length > 0 && (await this.#writeUnlessPaused([...done, ...events]))) return;
    const { stages } = after.stages_snapshot;
    const runs = stages.some(({ status }) => status === "running");
    const isLeft = stages.some((stage) => !isFinished(stage));
    const release = isIdle ? "idle" : true;
    await this.#writer.write(done, { release: !runs && isLeft && release });
  }

  /** What a condition reads may be away: that keeps the end of a stage from nothing. */
  async #nextUnlessAway(pipeline: Pipeline, project: Project): Promise<Beginning> {
    try {
      return await this.#next(pipeline, project);
    } catch (error) {
      this.#log().warn({ err: error }, "what begins next could not be decided here");
      return { events: [] };
    }
  }

  /** The events that skip and begin the stages whose needs are met. A gate needs no worker once it is open. */
  async #next(pipeline: Pipeline, project: Project): Promise<Beginning> {
    if (project.status !== "building") return { events: [] };
    const { repository, stagesAtOnce: atOnce, runner } = this.#deps;
    const options = { repository, outputs: this.#outputs, atOnce };
    const { skipped, begin } = await nextStages(pipeline, project, options);
    if (skipped.length === 0 && begin.length === 0) return { events: [], isIdle: true };
    const events: ReportEvent[] = skipped.map((one) => ({ event: "skipped", ...one }));
    for (const position of begin) {
      const begins = this.#begins(pipeline, position);
      if (this.#isLeaving() && begins.event !== "waiting") continue;
      if (begins.event === "started") runner.prepare(project.user_id);
      events.push(begins, ...this.#remarks(begins));
    }
    return this.#isLeaving() && !events.some(({ event }) => event === "waiting")
      ? { events: [] }
      : { events };
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
    // Paused meanwhile: the next owner makes the question again when the build continues.
    await this.giveBack(said);
  }

  /** Whether the build fails with this failure of a stage. */
  failsBuild(definition: StageDefinition, stage: Stage, failure: StageFailure): boolean {
    const current = this.#current(stage);
    if (current.allow_failure === true || current.finally === true) return false;
    return retryDelay(current, definition.retry, failure) === undefined;
  }

  #current(stage: Stage): Stage {
    const { stages } = this.#writer.project.stages_snapshot;
    return stages.find((one) => one.stage === stage.stage) ?? stage;
  }

  /** Ends an attempt that failed; the project fails with it unless the stage is to be tried again. */
  async fail(
    definition: StageDefinition,
    stage: Stage,
    end: AttemptEnd,
    failure: StageFailure,
  ): Promise<void> {
    const retry_in_seconds = retryDelay(this.#current(stage), definition.retry, failure);
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
    this.#log().warn(
      { stage: stage.stage, attempt: stage.attempt, failure, retry_in_seconds },
      "stage failed",
    );
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

  /** Fails the build at the first stage that runs, or at the one that would run next. */
  async failAsItIs({ code, message }: StageFailure): Promise<void> {
    const { project } = this.#writer;
    const { stages } = project.stages_snapshot;
    const running = stages.find(({ status }) => status === "running");
    const stage = running ?? stages[readyStages(project)[0] ?? stages.length - 1];
    if (stage === undefined) throw new Error("Expected a project with stages; found none.");
    const failed: FailedEvent = { event: "failed", stage: stage.stage, message, code: failureCode(code) };
    if (running) await this.#writeEnd([], failed);
    else await this.#writeUnlessPaused([{ event: "started", stage: stage.stage }, failed]);
    // Paused meanwhile, or with stages left that run whatever happens.
    const { status } = this.#writer.project;
    if (status === "building" || status === "paused") await this.giveBack([]);
  }

  /** `release` may say why this worker cannot run it; after several workers that cannot, the build fails. */
  async giveBack(said: readonly ReportEvent[], release: Release = true): Promise<void> {
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
