// Long because: it is one build from its claim to its end.
import {
  type Claimed,
  isStagefoldError,
  MAX_STALLS,
  type Project,
  type ReportEvent,
  type Stage,
  scopeOf,
  withStage,
} from "@stagefold/core";
import { checkedQuestion, type GateAction, type Pipeline, type StageDefinition } from "@stagefold/pipeline";
import type { Logger } from "pino";
import { sleep } from "../async.ts";
import type { BuildDeps } from "../deps.ts";
import type { ClockReading } from "../monotonic-clock.ts";
import type { StageFailure, StageOutcome } from "../runner/protocol.ts";
import type { AttemptEnd } from "./attempt.ts";
import { EarlierOutputs } from "./earlier-outputs.ts";
import { refusedWrite, storeIsAway } from "./failure.ts";
import { LeaseRenewer } from "./lease-renewer.ts";
import { type LeaseEnd, LeaseLostError, LeaseWriter } from "./lease-writer.ts";
import { BuildSpending } from "./model-calls.ts";
import { matchPipeline } from "./pipeline-match.ts";
import { publishAgent } from "./publish-agent.ts";
import { ReportBuffers } from "./report-buffer.ts";
import { type EndedAttempt, leftEvents, RunningAttempts } from "./running-attempts.ts";
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
  /** Says project and token. */
  readonly #log: Logger;
  readonly #writer: LeaseWriter;
  readonly #renewer: LeaseRenewer;
  readonly #writes: StageBoundary;
  readonly #outputs: EarlierOutputs;
  readonly #attempts: RunningAttempts;
  #leaving = false;
  #end: BuildEnd = "over";

  constructor(deps: BuildDeps, claimed: Claimed & { readonly sentAt: ClockReading }) {
    const { project } = claimed;
    this.projectId = project.project_id;
    this.pipelineName = project.pipeline;
    this.userId = project.user_id;
    this.#deps = deps;
    this.#log = deps.log.child({ project: project.project_id, token: claimed.lease_token });
    this.#outputs = new EarlierOutputs(deps.artifacts);
    const log = () => this.#attempts.log;
    const onOver = (reason: LeaseEnd) => this.#over(reason);
    this.#writer = new LeaseWriter(deps.repository, claimed, { log, onOver, telemetry: deps.telemetry });
    this.#writes = new StageBoundary({
      deps,
      writer: this.#writer,
      outputs: this.#outputs,
      log,
      isLeaving: () => this.#leaving,
    });
    this.#attempts = new RunningAttempts({
      deps,
      writer: this.#writer,
      outputs: this.#outputs,
      buffers: new ReportBuffers(),
      buildSpending: new BuildSpending(),
      log: this.#log,
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
    const { telemetry } = this.#deps;
    const { project, leaseToken } = this.#writer;
    const options = {
      kind: "consumer" as const,
      parent: project.traceparent,
      attributes: {
        "stagefold.project_id": this.projectId,
        "stagefold.pipeline": this.pipelineName,
        "stagefold.run": project.run,
        "stagefold.lease_token": leaseToken,
      },
    };
    const traced = () =>
      telemetry.span(`build ${this.pipelineName}`, options, async (span) => {
        this.#writer.span = span;
        const end = await this.#run();
        const now = this.#writer.project;
        span.set({ "stagefold.status": now.status, "stagefold.lease_end": this.#writer.over });
        if (now.status === "failed") span.fail(now.error_info.code);
        return end;
      });
    // The end of another build may be what made room for this one.
    return await telemetry.outside(traced);
  }

  async #run(): Promise<BuildEnd> {
    // The looks of a lease's owner are many, and nothing waits for them.
    this.#deps.telemetry.outside(() => this.#renewer.start());
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
    const said = await this.#stopOthers();
    if (error instanceof LeaseLostError) {
      this.#log.warn({ reason: error.reason }, "the build is left");
      return;
    }
    this.#log.error({ err: error }, "the build cannot be continued here");
    try {
      if (scopeOf(error) === "project") return await this.#writes.failAsItIs(refusedWrite(error));
      const reason = error instanceof Error ? error.message : String(error);
      this.#end = "not_run";
      await this.#writes.giveBack(said, {
        code: "WORKER_LOST",
        reason,
        storeIsAway: await storeIsAway(this.#deps.artifacts, this.projectId, error),
      });
    } catch (again) {
      this.#log.error(
        { err: again },
        "the build is left: when its lease expires, another worker continues it",
      );
    }
  }

  /** Gives the build back once the stages that run have ended. */
  drain(): void {
    this.#leaving = true;
  }

  /** Stops the stages that run and gives the build back. */
  stop(): void {
    this.#leaving = true;
    this.#attempts.stop("shutdown", this.#deps.timings.stopGraceMs);
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
    this.#attempts.log.warn({ reason }, "the lease is over: what runs is stopped");
    if (reason === "lost" || reason === "expired") leaseLost.inc();
    const { cancelGraceMs } = this.#deps.timings;
    // A lost lease may have a new owner already: nothing of the old attempt may run beside it.
    if (reason === "cancelled" || reason === "deleted") this.#attempts.stop("cancelled", cancelGraceMs);
    else this.#attempts.stop("lease_lost", 0);
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

  /** Starts what is ready, and takes up the ends of what runs, one at a time, until the build is not this worker's. */
  async #stages(pipeline: Pipeline): Promise<void> {
    const writer = this.#writer;
    const attempts = this.#attempts;
    while (isHeld(writer.project)) {
      await attempts.dropEnded(writer.project, this.#deps.timings.cancelGraceMs);
      await this.#writes.start(pipeline);
      await attempts.dropEnded(writer.project, this.#deps.timings.cancelGraceMs);
      if (!isHeld(writer.project)) return;
      attempts.launch(pipeline, writer.project);
      const ended = attempts.size > 0 ? await attempts.next(writer.project) : undefined;
      if (ended) await this.#ended(pipeline, ended);
    }
    await attempts.dropEnded(writer.project, this.#deps.timings.cancelGraceMs);
  }

  async #ended(pipeline: Pipeline, ended: EndedAttempt): Promise<void> {
    const { definition, stage, end } = ended;
    const { outcome } = end;
    const { workerBackoff, metrics } = this.#deps;
    if (outcome.kind === "completed" || outcome.kind === "failed") workerBackoff.succeeded();
    switch (outcome.kind) {
      case "completed":
        return await this.#completed(pipeline, ended, outcome);
      case "failed":
        return await this.#failed(definition, stage, end, outcome.failure);
      case "stopped":
        if (this.#writer.over !== undefined) throw new LeaseLostError(this.#writer.over);
        return await this.#writes.giveBack([...leftEvents(ended), ...(await this.#stopOthers())]);
      case "not_run":
        metrics.notRun.inc();
        workerBackoff.failed(outcome.reason);
        this.#end = "not_run";
        this.#log.error(
          { stage: stage.stage, reason: outcome.reason, backoffMs: Math.round(workerBackoff.waitMs) },
          "the stage could not be run here: the build is given back",
        );
        return await this.#writes.giveBack([...end.events, ...(await this.#stopOthers())], {
          code: "WORKER_LOST",
          reason: outcome.reason,
          stage: stage.stage,
          storeIsAway: outcome.storeIsAway === true,
        });
      default:
        return outcome satisfies never;
    }
  }

  /** One write ends the stage and starts what is ready then; where nothing may start, the build is given back. */
  async #completed(
    pipeline: Pipeline,
    { definition, stage, position, end }: EndedAttempt,
    outcome: Extract<StageOutcome, { kind: "completed" }>,
  ): Promise<void> {
    const output = { ...outcome.output };
    const { action } = definition;
    if (action.kind === "gate") return await this.#ask(definition, action, stage, end, outcome);
    const done: ReportEvent[] = [
      ...end.events,
      { event: "completed", stage: stage.stage, output, metrics: { ...end.metrics } },
    ];
    this.#outputs.remember(stage, output);
    const { project } = this.#writer;
    const now = project.stages_snapshot.stages[position] ?? stage;
    const after = withStage(project, position, { ...now, status: "completed" });
    try {
      const isLast = position === project.stages_snapshot.stages.length - 1;
      if (isLast && pipeline.publishes === "agent") await this.#publish(stage, output, end.events);
      await this.#writes.complete(pipeline, done, after);
      await this.#noteFinished(this.#writer.project.stages_snapshot.stages[position] ?? stage);
    } catch (error) {
      if (error instanceof LeaseLostError) throw error;
      this.#log.error({ err: error, stage: stage.stage }, "the end of a stage was refused: the stage fails");
      await this.#failed(definition, stage, { ...end, events: [] }, refusedWrite(error));
    }
  }

  /** A stage that fails for good stops those that run beside it: the build fails with it. */
  async #failed(
    definition: StageDefinition,
    stage: Stage,
    end: AttemptEnd,
    failure: StageFailure,
  ): Promise<void> {
    const isBuilds = this.#writes.failsBuild(definition, stage, failure);
    const said = isBuilds ? await this.#stopOthers() : [];
    await this.#writes.fail(definition, stage, { ...end, events: [...said, ...end.events] }, failure);
  }

  /** Stops all that runs beside a stage. Resolves with what they said and no write has carried. */
  async #stopOthers(): Promise<ReportEvent[]> {
    const others = await this.#attempts.stopOthers("shutdown", this.#deps.timings.stopGraceMs);
    return others.flatMap(leftEvents);
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
        if (!isStagefoldError(error, "STORE_UNAVAILABLE") || scopeOf(error) !== "store") throw error;
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

/** Whether stages may still be written, by the lease owner. */
function isHeld({ status, lease }: Project): boolean {
  return (status === "building" || status === "paused") && lease.owner !== undefined;
}
