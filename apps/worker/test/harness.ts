import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ArtifactStore,
  createMemoryFileStores,
  type LogStore,
  MemoryProjectStore,
  type Patch,
  type Project,
  Repository,
  type Written,
  wholeTexts,
} from "@stagefold/core";
import { type PipelineRegistry, stagesFor } from "@stagefold/pipeline";
import { type Logger, pino } from "pino";
import { inheritedEnv } from "../src/env.ts";
import { createWorker, type Worker, type WorkerDeps } from "../src/worker.ts";
import { type PipelineFiles, sharedPipelines, writePipelines } from "./pipelines.ts";

/** Runner processes are processes: they run what was built. */
export const RUNNER_SCRIPT = fileURLToPath(new URL("../dist/runner/child/main.js", import.meta.url));

/** A memory store that counts its writes by transition, and can be told to fail. */
export class CountingStore extends MemoryProjectStore {
  readonly writes: string[] = [];
  /** Called before each write; what it throws is the answer, and nothing is written. */
  before: ((patch: Patch) => void) | undefined;
  /** Called after each write; what it throws is the answer, though the write took effect. */
  after: ((patch: Patch) => void) | undefined;

  override async write(patch: Patch): Promise<Written> {
    this.writes.push(patch.transition);
    this.before?.(patch);
    const written = await super.write(patch);
    this.after?.(patch);
    return written;
  }

  count(transition: string): number {
    return this.writes.filter((one) => one === transition).length;
  }
}

export interface Bench extends AsyncDisposable {
  readonly folder: string;
  readonly store: CountingStore;
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
  readonly repository: Repository;
  readonly pipelines: PipelineRegistry;
  readonly pipelinesFolder: string;
  readonly log: Logger;
  worker(options?: Partial<WorkerDeps>): Worker;
  /** Another view of the same stores, as another process has it. */
  elsewhere(): Repository;
  create(pipeline: string, requirement?: string, limits?: Project["limits"]): Promise<string>;
  until(projectId: string, when: (project: Project) => boolean, seconds?: number): Promise<Project>;
  /** The full log of a stage's latest attempt. */
  logOf(project: Project, stage: string): Promise<readonly string[]>;
}

export interface BenchOptions {
  readonly files: PipelineFiles;
  readonly leaseMs?: number;
  /** Where the test itself changes its files. */
  readonly ownFiles?: boolean;
}

export async function openBench({ files, leaseMs = 15_000, ownFiles = false }: BenchOptions): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-worker-"));
  const { folder: pipelinesFolder, pipelines } = ownFiles
    ? await writePipelines(join(folder, "pipelines"), files)
    : await sharedPipelines(files);
  const store = new CountingStore();
  const { artifacts, logs } = createMemoryFileStores();
  const repository = new Repository({ store, artifacts, logs, leaseMs });
  const log = pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" });
  const workers: Worker[] = [];
  return {
    folder,
    store,
    artifacts,
    logs,
    repository,
    pipelines,
    pipelinesFolder,
    log,
    worker: (options = {}) => {
      const worker = createWorker({
        repository,
        artifacts,
        pipelines,
        dataDir: join(folder, "data"),
        concurrency: 2,
        drainMs: 5000,
        stageEnv: inheritedEnv(),
        log,
        runnerScript: RUNNER_SCRIPT,
        ...options,
      });
      workers.push(worker);
      return worker;
    },
    elsewhere: () => new Repository({ store, artifacts, logs, leaseMs }),
    create: async (name, requirement = "something", limits = undefined) => {
      const pipeline = pipelines.get(name);
      if (!pipeline)
        throw new Error(`expected a pipeline ${name}, found ${pipelines.list().map((p) => p.name)}`);
      const plan = {
        pipeline: name,
        pipeline_version: pipeline.version,
        stages: stagesFor(pipeline, {}).map(
          ({ stage, weight, needs, finally: runsFinally, allow_failure }) => ({
            stage,
            weight,
            needs,
            finally: runsFinally,
            allow_failure,
          }),
        ),
      };
      return (await repository.control.create({ requirement, user_id: "u1", limits }, plan)).project_id;
    },
    until: async (projectId, when, seconds = 60) => {
      const end = Date.now() + seconds * 1000;
      for (;;) {
        const project = await new Repository({ store, artifacts, logs, leaseMs }).get(projectId);
        if (when(project)) return project;
        if (Date.now() > end)
          throw new Error(
            `the project did not get there in ${seconds} s: ${JSON.stringify(project, null, 1)}`,
          );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    logOf: async (project, key) => {
      const stage = project.stages_snapshot.stages.find((one) => one.stage === key);
      if (!stage) throw new Error(`expected a stage ${key}`);
      const ref = { project_id: project.project_id, stage: key, attempt: stage.attempt };
      return wholeTexts([], (await logs.read(ref, { limit: 10_000_000, upTo: stage.log_seq ?? 0 })).lines);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const ended = (project: Project) => ["completed", "failed", "cancelled"].includes(project.status);
export const completed = (project: Project) => {
  if (project.status === "failed") throw new Error(`the build failed: ${JSON.stringify(project, null, 1)}`);
  return project.status === "completed";
};

export function stageOf(project: Project, key: string) {
  const stage = project.stages_snapshot.stages.find((one) => one.stage === key);
  if (!stage) throw new Error(`expected a stage ${key}, found ${JSON.stringify(project)}`);
  return stage;
}
