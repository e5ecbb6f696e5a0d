// Long because: it is one build from its claim to its end.
import {
  type Claimed,
  isStagefoldError,
  MAX_STALLS,
  type Project,
  type ReportEvent,
  type Stage,
  scopeOf,
} from "@stagefold/core";
import { checkedQuestion, type GateAction, type Pipeline, type StageDefinition } from "@stagefold/pipeline";
import type { Logger } from "pino";
import { sleep } from "../async.ts";
import type { BuildDeps } from "../deps.ts";
import type { ClockReading } from "../monotonic-clock.ts";
import type { StageOutcome } from "../runner/protocol.ts";
import { Attempt, type AttemptEnd, EarlierOutputs } from "./attempt.ts";
import { refusedWrite } from "./failure.ts";
import { LeaseRenewer } from "./lease-renewer.ts";
import { type LeaseEnd, LeaseLostError, LeaseWriter } from "./lease-writer.ts";
import { matchPipeline } from "./pipeline-match.ts";
import { publishAgent } from "./publish-agent.ts";
import { StageBoundary } from "./stage-boundary.ts";

const PUBLISH_RETRY_MS = 500;

/** How a build left this worker: `not_run`: the worker could not run it, and gave it back to others. */
export type BuildEnd = "over" | "not_run";

/** One build that this worker holds, from its claim until it is ended, given back or lost. */
export class BuildRun {
  readonly projectId: string;
  readonly pipelineName: string | undefined;
  readonly userId: string | undefined;
  readonly #deps: BuildDeps;
  /** Says project and token and, while a stage runs, stage and attempt. */
  #log: Logger;
  readonly #writer: LeaseWriter;
  readonly #renewer: LeaseRenewer;
  readonly #writes: StageBoundary;
  readonly #outputs: EarlierOutputs;
  #attempt: Attempt | undefined;
  #leaving = false;
  #stopping = false;
  #end: BuildEnd = "over";

  constructor(deps: BuildDeps, claimed: Claimed & { readonly sentAt: ClockReading }) {
    const { project } = claimed;
    this.projectId = project.project_id;
    this.pipelineName = project.pipeline;
    this.userId = project.user_id;
    this.#deps = deps;
    this.#log = deps.log.child({ project: project.project_id, token: claimed.lease_token });
    this.#outputs = new EarlierOutputs(deps.artifacts);
    const log = () => this.#log;
    const onOver = (reason: LeaseEnd) => this.#over(reason);
    this.#writer = new LeaseWriter(deps.repository, claimed, { log, onOver });
    this.#writes = new StageBoundary({
      deps,
      writer: this.#writer,
      log,
      isLeaving: () => this.#leaving,
    });
    this.#renewer = new LeaseRenewer({
      repository: deps.repository,
      writer: this.#writer,
      pollMs: deps.timings.pollMs,
      log,
    });
  }

  /** Its workers died twice in a row before this one, and it has made no progress since. */
  get isSuspect(): boolean {
    return this.#writer.project.lease.claims >= MAX_STALLS;
  }

  /** What this worker does for it now. */
  get present(): { project_id: string; stage?: string } {
    const { project } = this.#writer;
    const running = project.stages_snapshot.stages.find((stage) => stage.status === "running");
    return { project_id: this.projectId, ...(running && { stage: running.stage }) };
  }

  /** Resolves when nothing of the build is left in this worker. Never rejects. */
  async run(): Promise<BuildEnd> {
    this.#renewer.start();
    this.#log.info({ pipeline: this.pipelineName }, "build claimed");
    try {
      await this.#build();
    } catch (error) {
      await this.#leave(error);
    } finally {
      this.#renewer.stop();
    }
    await this.#tidy();
    return this.#end;
  }

  /** A caught error is not the end: what concerns this build ends it, what concerns this worker gives it back. */
  async #leave(error: unknown): Promise<void> {
    if (error instanceof LeaseLostError) {
      this.#log.warn({ reason: error.reason }, "the lease is over: the build is left");
      return;
    }
    this.#log.error({ err: error }, "the build cannot be continued here");
    try {
      if (scopeOf(error) === "project") return await this.#writes.failAsItIs(refusedWrite(error));
      const reason = error instanceof Error ? error.message : String(error);
      this.#end = "not_run";
      await this.#writes.giveBack([], { code: "WORKER_LOST", reason });
    } catch (again) {
      this.#log.error(
        { err: again },
        "the build is left: when its lease expires, another worker continues it",
      );
    }
  }

  /** Gives the build back once the stage that runs has ended. */
  drain(): void {
    this.#leaving = true;
  }

  /** Stops the stage that runs and gives the build back. */
  stop(): void {
    this.#leaving = true;
    this.#stopping = true;
    this.#attempt?.stop("shutdown", this.#deps.timings.stopGraceMs);
  }

  /** A change of the project that this process made itself. */
  observe(project: Project): void {
    this.#renewer.observe(project);
  }

  deleted(): void {
    this.#writer.end("deleted");
  }

  #over(reason: LeaseEnd): void {
    const { leasesOver, leaseLost } = this.#deps.metrics;
    leasesOver.inc({ reason });
    if (reason === "lost" || reason === "expired") leaseLost.inc();
    const { cancelGraceMs } = this.#deps.timings;
    // A lost lease may have a new owner already: nothing of the old attempt may run beside it.
    if (reason === "cancelled" || reason === "deleted") this.#attempt?.stop("cancelled", cancelGraceMs);
    else this.#attempt?.stop("lease_lost", 0);
  }

  async #build(): Promise<void> {
    // Nothing is left to run: all stages were finished, or too many workers were lost. The claim's first write says so.
    const { status } = this.#writer.project;
    if (status === "completed" || status === "failed") {
      await this.#writer.write([]);
      return;
    }
    const { pipelines, metrics } = this.#deps;
    const match = matchPipeline(this.#writer.project, pipelines);
    switch (match.kind) {
      case "same":
        this.#writes.runs(match);
        return await this.#stages(match.pipeline);
      case "changed":
        return await this.#writes.pipelineChanged(match.message);
      case "outdated":
        metrics.unclaimable.inc({ reason: "pipeline_outdated" });
        this.#log.error({ pipeline: this.pipelineName }, `${match.message} The build is given back.`);
        this.#end = "not_run";
        return await this.#writes.giveBack([], { code: "PIPELINE_CHANGED", reason: match.message });
      default:
        return match satisfies never;
    }
  }

  async #stages(pipeline: Pipeline): Promise<void> {
    let position = this.#writes.nextOpen();
    if (position === undefined) throw new Error("Expected a stage that is not finished; found none.");
    if (!(await this.#writes.start(pipeline, position))) return;
    while (position !== undefined) position = await this.#stage(pipeline, position);
  }

  async #stage(pipeline: Pipeline, position: number): Promise<number | undefined> {
    const definition = pipeline.stages[position];
    const stage = this.#writer.project.stages_snapshot.stages[position];
    if (!definition || !stage) throw new Error(`Expected a stage at position ${position}; found none.`);
    const log = this.#log;
    this.#log = log.child({ stage: stage.stage, attempt: stage.attempt });
    this.#log.info("stage started");
    this.#attempt = new Attempt({
      deps: this.#deps,
      writer: this.#writer,
      outputs: this.#outputs,
      pipeline,
      definition,
      stage,
      position,
      log: this.#log,
    });
    if (this.#stopping) this.stop();
    const end = await this.#attempt.run();
    this.#attempt = undefined;
    const next = await this.#ended(pipeline, definition, stage, position, end);
    this.#log = log;
    return next;
  }

  async #ended(
    pipeline: Pipeline,
    definition: StageDefinition,
    stage: Stage,
    position: number,
    end: AttemptEnd,
  ): Promise<number | undefined> {
    const { outcome } = end;
    const { workerBackoff, metrics } = this.#deps;
    if (outcome.kind === "completed" || outcome.kind === "failed") workerBackoff.succeeded();
    switch (outcome.kind) {
      case "completed":
        return await this.#completed(pipeline, definition, stage, position, end, outcome);
      case "failed":
        await this.#writes.fail(definition, stage, end, outcome.failure);
        return undefined;
      case "stopped":
        if (this.#writer.over !== undefined) throw new LeaseLostError(this.#writer.over);
        await this.#writes.giveBack(end.events);
        return undefined;
      case "not_run":
        metrics.notRun.inc();
        workerBackoff.failed(outcome.reason);
        this.#end = "not_run";
        this.#log.error(
          { reason: outcome.reason, backoffMs: Math.round(workerBackoff.waitMs) },
          "the stage could not be run here: the build is given back",
        );
        await this.#writes.giveBack(end.events, { code: "WORKER_LOST", reason: outcome.reason });
        return undefined;
      default:
        return outcome satisfies never;
    }
  }

  /** One write ends the stage and starts the next; where it may not start, the build is given back. */
  async #completed(
    pipeline: Pipeline,
    definition: StageDefinition,
    stage: Stage,
    position: number,
    end: AttemptEnd,
    outcome: Extract<StageOutcome, { kind: "completed" }>,
  ): Promise<number | undefined> {
    const output = { ...outcome.output };
    const { action } = definition;
    if (action.kind === "gate") {
      await this.#ask(definition, action, stage, end, outcome);
      return undefined;
    }
    const done: ReportEvent[] = [
      ...end.events,
      { event: "completed", stage: stage.stage, output, metrics: { ...end.metrics } },
    ];
    this.#outputs.remember(stage, output);
    const next = this.#writes.nextOpen(position);
    try {
      if (next === undefined && pipeline.publishes === "agent")
        await this.#publish(stage, output, end.events);
      const started = await this.#writes.complete(pipeline, done, next);
      await this.#noteFinished(this.#writer.project.stages_snapshot.stages[position] ?? stage);
      return started ? next : undefined;
    } catch (error) {
      if (error instanceof LeaseLostError) throw error;
      this.#log.error({ err: error }, "the end of a stage was refused: the stage fails");
      await this.#writes.fail(definition, stage, { ...end, events: [] }, refusedWrite(error));
      return undefined;
    }
  }

  /** While the store is away it is tried again, as long as the lease is trusted. */
  async #publish(stage: Stage, output: Record<string, unknown>, said: readonly ReportEvent[]): Promise<void> {
    const { agents, repository } = this.#deps;
    if (!agents) return;
    for (;;) {
      if (this.#writer.over !== undefined) throw new LeaseLostError(this.#writer.over);
      try {
        return await publishAgent(agents, repository, this.#writer.project, stage, output, said);
      } catch (error) {
        if (!isStagefoldError(error, "STORE_UNAVAILABLE")) throw error;
        this.#log.warn({ err: error }, "the agent could not be published and is tried again");
        await sleep(PUBLISH_RETRY_MS);
      }
    }
  }

  /** What the function of a gate returned is its question. */
  async #ask(
    definition: StageDefinition,
    action: GateAction,
    stage: Stage,
    end: AttemptEnd,
    { output }: Extract<StageOutcome, { kind: "completed" }>,
  ): Promise<void> {
    try {
      await this.#writes.ask(definition, action, stage, end.events, checkedQuestion(output));
    } catch (error) {
      if (error instanceof LeaseLostError) throw error;
      this.#log.error({ err: error }, "the question of a gate was refused: the stage fails");
      await this.#writes.fail(definition, stage, { ...end, events: [] }, refusedWrite(error));
    }
  }

  /** Without the note the next stage restores what this one made: no reason to fail either of them. */
  async #noteFinished(stage: Stage): Promise<void> {
    try {
      await this.#deps.workspaces.finished(this.projectId, stage);
    } catch (error) {
      this.#log.warn({ err: error }, "what a stage made could not be noted in its workspace");
    }
  }

  async #tidy(): Promise<void> {
    const over = this.#writer.over === "deleted" || this.#writer.project.status === "completed";
    if (!over) return;
    try {
      await this.#deps.workspaces.remove(this.projectId);
    } catch (error) {
      this.#log.error({ err: error }, "the workspace of an ended build could not be removed");
    }
  }
}
