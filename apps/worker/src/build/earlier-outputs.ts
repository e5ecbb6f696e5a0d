import { type ArtifactStore, allNeedsOf, isFailing, type Project, type Stage } from "@stagefold/core";
import type { ConditionScope, Pipeline } from "@stagefold/pipeline";
import { z } from "zod";

const objectSchema = z.record(z.string(), z.unknown());
type Output = Readonly<Record<string, unknown>>;

/** What the finished stages of a build returned; large outputs are read from the artifact store, once. */
export class EarlierOutputs {
  readonly #store: ArtifactStore;
  readonly #known = new Map<string, Output>();

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  remember(stage: Stage, output: Output): void {
    this.#known.set(`${stage.stage}/${stage.attempt}`, output);
  }

  /** What the condition of a stage may read. */
  async scopeOf(
    project: Project,
    position: number,
    pipeline: Pipeline,
    input: unknown,
  ): Promise<ConditionScope> {
    const { stages } = project.stages_snapshot;
    const needed = [...allNeedsOf(stages, position)];
    const status = needed.flatMap((i) => {
      const key = pipeline.stages[i]?.stage;
      return key === undefined ? [] : [[key, stages[i]?.status ?? "pending"] as const];
    });
    return {
      outputs: await this.before(project, position, pipeline),
      status: Object.fromEntries(status),
      input,
      failed: isFailing(project),
    };
  }

  /** By the pipeline's keys, of the completed stages that the one at `position` needs. */
  async before(project: Project, position: number, pipeline: Pipeline): Promise<Record<string, unknown>> {
    const entries: [string, unknown][] = [];
    const { stages } = project.stages_snapshot;
    const needed = allNeedsOf(stages, position);
    for (const [i, stage] of stages.entries()) {
      const key = pipeline.stages[i]?.stage;
      if (key !== undefined && needed.has(i) && stage.status === "completed")
        entries.push([key, await this.#outputOf(project, stage)]);
    }
    return Object.fromEntries(entries);
  }

  async #outputOf(project: Project, stage: Stage): Promise<Output> {
    const known = this.#known.get(`${stage.stage}/${stage.attempt}`);
    if (known) return known;
    const output =
      stage.output_ref === undefined ? ownOutput(stage) : await this.#read(project, stage, stage.output_ref);
    this.remember(stage, output);
    return output;
  }

  async #read({ project_id }: Project, stage: Stage, path: string): Promise<Output> {
    const found = await this.#store.get({ project_id, stage: stage.stage, attempt: stage.attempt, path });
    if (!found) throw new Error(`Expected the output of ${stage.stage} in the artifact ${path}; found none.`);
    const parts: Uint8Array[] = [];
    for await (const part of found.stream) parts.push(part);
    return objectSchema.parse(JSON.parse(Buffer.concat(parts).toString("utf8")));
  }
}

function ownOutput(stage: Stage): Output {
  const { artifacts: _a, artifact_info: _i, artifact_count: _c, ...own } = stage.output_data;
  return own;
}
