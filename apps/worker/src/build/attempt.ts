import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import { isStagefoldError, type ReportEvent, remainingOf, type Stage, scopeOf } from "@stagefold/core";
import { errorCode, SecretMask } from "@stagefold/node-files";
import { type Pipeline, type StageDefinition, StageError } from "@stagefold/pipeline";
import { MissingSecretError } from "@stagefold/runtime/secrets";
import type { Span } from "@stagefold/runtime/telemetry";
import type { Logger } from "pino";
import { retryDelay, sleep } from "../async.ts";
import type { BuildDeps } from "../deps.ts";
import type { StageFailure, StageJob, StageOutcome, StopReason } from "../runner/protocol.ts";
import type { RunningStage } from "../runner/runner.ts";
import { storeArtifact } from "../workspace/artifact-upload.ts";
import { versionToChange } from "./current-version.ts";
import type { EarlierOutputs } from "./earlier-outputs.ts";
import { refusedWrite, storeIsAway } from "./failure.ts";
import type { LeaseWriter } from "./lease-writer.ts";
import { type BuildSpending, ModelCalls } from "./model-calls.ts";
import { type MetricSums, ReportBuffer, type ReportBuffers } from "./report-buffer.ts";

/** What starting a process may take, in milliseconds. */
const START_TIMEOUT_MS = 60_000;
/** What this process lacks for a moment. */
const SHORTAGES = ["EMFILE", "ENFILE", "ENOMEM"];

export interface AttemptOptions {
  readonly deps: BuildDeps;
  readonly writer: LeaseWriter;
  readonly outputs: EarlierOutputs;
  readonly pipeline: Pipeline;
  readonly definition: StageDefinition;
  /** The stage as its start left it. */
  readonly stage: Stage;
  readonly position: number;
  /** Those of the stages that run beside it, and its own while it runs. */
  readonly buffers: ReportBuffers;
  readonly buildSpending: BuildSpending;
  readonly log: Logger;
}

/** How an attempt ended, and its events that are not written yet. */
export interface AttemptEnd {
  readonly outcome: StageOutcome;
  readonly events: readonly ReportEvent[];
  readonly metrics: MetricSums;
}

/** One attempt of a stage, from the write of its start to the one of its end. */
export class Attempt {
  readonly #options: AttemptOptions;
  #running: RunningStage | undefined;
  #stopped: { reason: StopReason; graceMs: number } | undefined;
  #refused: StageFailure | undefined;
  /** What a time-out is called, once it has come. */
  #late: StageOutcome | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  /** Ends the attempt before it ends by itself; a second call may shorten the grace, in milliseconds. */
  stop(reason: StopReason, graceMs: number): void {
    this.#stopped ??= { reason, graceMs };
    this.#running?.stop(this.#stopped.reason, graceMs);
  }

  async run(): Promise<AttemptEnd> {
    const { deps, definition, pipeline, log, stage, writer } = this.#options;
    const endTimer = deps.metrics.stages.startTimer({ pipeline: pipeline.name, stage: definition.stage });
    const attributes = {
      "stagefold.project_id": writer.projectId,
      "stagefold.pipeline": pipeline.name,
      "stagefold.stage": stage.stage,
      "stagefold.attempt": stage.attempt,
    };
    const options = { attributes, parent: writer.project.traceparent };
    const end = await deps.telemetry.span(`stage ${stage.stage}`, options, async (span) => {
      const ended = await this.#run(span);
      const { outcome } = ended;
      span.set({ "stagefold.outcome": outcome.kind });
      if (outcome.kind === "failed") span.fail(outcome.failure.code);
      else if (outcome.kind === "not_run") span.fail("WORKER_LOST");
      else if (outcome.kind === "stopped") span.set({ "stagefold.reason": outcome.reason });
      return ended;
    });
    const seconds = endTimer({ outcome: end.outcome.kind });
    log.info({ outcome: end.outcome.kind, seconds }, "stage ended");
    return end;
  }

  async #run(span: Span): Promise<AttemptEnd> {
    const { deps, writer, log } = this.#options;
    let job: StageJob;
    try {
      job = await this.#patiently("a stage is prepared again", () => this.#job(span.traceparent));
    } catch (error) {
      const outcome: StageOutcome = this.#stopped
        ? { kind: "stopped", reason: this.#stopped.reason }
        : await this.#unprepared(error);
      return { outcome, events: [], metrics: {} };
    }
    const sums: MetricSums = {};
    const calls = this.#modelCalls(job, sums, span);
    const reports = this.#reports(job, sums, calls);
    const running = deps.runner.run(job, reports, log);
    this.#running = running;
    if (this.#stopped) running.stop(this.#stopped.reason, this.#stopped.graceMs);
    const outcome = await this.#inTime(running);
    await calls?.close();
    const events = await reports.close();
    if (writer.over !== undefined)
      return { outcome: { kind: "stopped", reason: "lease_lost" }, events, metrics: {} };
    return { outcome: this.#asFailure(outcome), events, metrics: sums };
  }

  /** What is damaged in this build's own files fails the stage; what the store or this worker lacks does not. */
  async #unprepared(error: unknown): Promise<StageOutcome> {
    const { deps, writer, log } = this.#options;
    if (error instanceof MissingSecretError)
      return failed({ message: error.message, code: "STAGE_FAILED", final: true });
    const message = `The stage could not be prepared: ${error instanceof Error ? error.message : String(error)}`;
    log.error({ err: error }, "a stage could not be prepared");
    if (scopeOf(error) === "project") return failed({ message, code: "STAGE_FAILED" });
    return {
      kind: "not_run",
      reason: message,
      storeIsAway: await storeIsAway(deps.artifacts, writer.projectId, error),
    };
  }

  /**
   * The stage's time runs from its own beginning. A process that is not there soon is this worker's trouble; a module
   * that it begins to load, and that never settles, is the stage's.
   */
  async #inTime(running: RunningStage): Promise<StageOutcome> {
    const { deps, definition } = this.#options;
    const { loadMs, stopGraceMs } = deps.timings;
    const { stage, timeout_seconds } = definition;
    const module = basename(moduleOf(definition.action) ?? "");
    let timer: NodeJS.Timeout | undefined;
    const limit = (ms: number, graceMs: number, outcome: StageOutcome) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.#late ??= outcome;
        this.stop("timeout", graceMs);
      }, ms);
    };
    const notStarted = `No process began the stage in ${START_TIMEOUT_MS / 1000} seconds.`;
    limit(START_TIMEOUT_MS, 0, { kind: "not_run", reason: notStarted });
    const notLoaded = `Expected the module ${module} to be loaded within ${loadMs / 1000} seconds; it was still loading.`;
    void running.loading.then(() => limit(loadMs, 0, tooLong(notLoaded)));
    const notDone = `The stage ${stage} took longer than its ${timeout_seconds} seconds.`;
    void running.begun.then(() => limit(timeout_seconds * 1000, stopGraceMs, tooLong(notDone)));
    const outcome = await running.done;
    clearTimeout(timer);
    return outcome;
  }

  async #job(traceparent: string | undefined): Promise<StageJob> {
    const { deps, writer, outputs, pipeline, definition, stage, position } = this.#options;
    const { project } = writer;
    const work_dir = await deps.workspaces.prepare(project, position);
    if (pipeline.publishes === "agent" && deps.agents !== undefined) {
      const current = await versionToChange(deps.agents, project);
      if (current !== undefined) await deps.workspaces.prepareCurrent(project, current);
    }
    const { project_id, project_name, requirement, user_id, agent_id, tags } = project;
    const { action } = definition;
    const secrets = await this.#secrets();
    const common = {
      secrets,
      ...(definition.memory_mb !== undefined && { memory_mb: definition.memory_mb }),
      id: randomUUID(),
      marker: `\u0001stagefold ${randomUUID()}`,
      stage: definition.stage,
      attempt: stage.attempt,
      work_dir,
      project: { project_id, project_name, requirement, user_id, agent_id, tags },
      input: await deps.repository.inputOf(project),
      limits: remainingOf(project),
      ...(traceparent !== undefined && { traceparent }),
    };
    if (action.kind === "command") {
      const { command, env, artifacts } = action;
      return { ...common, outputs: {}, action: { kind: "command", command, env, artifacts: [...artifacts] } };
    }
    const model = deps.modelAccess?.model.name;
    return {
      ...common,
      ...(model !== undefined && { model }),
      outputs: await outputs.before(project, position, pipeline),
      action: {
        kind: "run",
        pipeline: pipeline.name,
        stage: definition.stage,
        module: moduleOf(action),
      },
    };
  }

  /** Errors: a MissingSecretError that names those that this worker does not have. */
  async #secrets(): Promise<Record<string, string>> {
    const { deps, definition } = this.#options;
    const names = definition.secrets ?? [];
    if (names.length === 0) return {};
    const found = await deps.secrets.get(names);
    const missing = names.filter((name) => !found.has(name));
    if (missing.length > 0) throw new MissingSecretError(definition.stage, missing);
    return Object.fromEntries(found);
  }

  #modelCalls(job: StageJob, sums: MetricSums, span: Span): ModelCalls | undefined {
    const { deps, writer, stage, log, buildSpending } = this.#options;
    if (deps.modelAccess === undefined) return undefined;
    return new ModelCalls({
      access: deps.modelAccess,
      telemetry: deps.telemetry,
      span,
      mask: new SecretMask([...deps.modelAccess.secrets, ...Object.values(job.secrets)]),
      attempt: { project_id: writer.project.project_id, stage: stage.stage, attempt: stage.attempt },
      artifacts: deps.artifacts,
      project: () => writer.project,
      sums,
      buildSpending,
      now: () => deps.repository.now(),
      onError: (error) => log.error({ err: error }, "a call of a language model was not kept"),
    });
  }

  #reports(job: StageJob, sums: MetricSums, calls: ModelCalls | undefined): ReportBuffer {
    const { deps, writer, stage, log, buffers } = this.#options;
    const { project_id } = writer.project;
    const ref = { project_id, stage: stage.stage, attempt: stage.attempt };
    return new ReportBuffer({
      stage: stage.stage,
      buffers,
      sums,
      ask: async (question) => {
        if (calls === undefined) throw new StageError("This worker has no language model.", { final: true });
        return await calls.ask(question);
      },
      writer,
      now: () => deps.repository.now(),
      flushMs: deps.timings.flushMs,
      store: (artifact) =>
        this.#patiently("an artifact is stored again", () =>
          storeArtifact(deps.artifacts, ref, job.work_dir, artifact),
        ),
      onRefused: (error) => {
        log.error({ err: error }, "a write of a running stage was refused: the stage fails");
        this.#refused = refusedWrite(error);
        this.stop("failed", deps.timings.stopGraceMs);
      },
    });
  }

  /** A store that is away for a moment is neither the stage's doing nor a reason to give the build back. */
  async #patiently<T>(again: string, work: () => Promise<T>): Promise<T> {
    const { deps, writer, log } = this.#options;
    const giveUpAt = performance.now() + deps.timings.storePatienceMs;
    for (let tries = 0; ; tries++) {
      try {
        return await work();
      } catch (error) {
        const mayPass =
          isStagefoldError(error, "STORE_UNAVAILABLE") || SHORTAGES.includes(errorCode(error) ?? "");
        const isLate =
          performance.now() > giveUpAt || this.#stopped !== undefined || writer.over !== undefined;
        if (!mayPass || isLate) throw error;
        log.warn({ reason: error instanceof Error ? error.message : String(error) }, again);
      }
      await sleep(retryDelay(tries));
    }
  }

  /** The reason for which a stage was stopped may be a failure of its own. */
  #asFailure(outcome: StageOutcome): StageOutcome {
    if (this.#refused) return failed(this.#refused);
    if (outcome.kind !== "stopped" || outcome.reason !== "timeout") return outcome;
    return this.#late ?? outcome;
  }
}

/** The file whose function runs; a built-in pipeline has none. */
function moduleOf(action: StageDefinition["action"]): string | undefined {
  if (action.kind === "module") return action.file;
  return action.kind === "gate" && "module" in action.asks ? action.asks.module : undefined;
}

function failed(failure: StageFailure): StageOutcome {
  return { kind: "failed", failure };
}

function tooLong(message: string): StageOutcome {
  return failed({ message, code: "STAGE_TIMEOUT" });
}
