import type { PipelineInfo, Project } from "../../../lib/api.ts";

/** Codes, of a failure or a refusal, that say: this build cannot continue under the pipeline it had. */
const LOST: readonly (string | undefined)[] = ["PIPELINE_CHANGED", "PIPELINE_NOT_FOUND"];

export function lostItsPipeline(code: string | undefined): boolean {
  return LOST.includes(code);
}

export interface Choice {
  readonly name: string;
  /** It has the stages of the build, so it can run what is left of it. The API has the last word. */
  readonly fits: boolean;
}

/** The pipelines that a retry may name: those that fit first, of them the one that the build had before. */
export function choicesFor(project: Project, pipelines: readonly PipelineInfo[]): readonly Choice[] {
  const wanted = stageKeys(project.stages_snapshot.stages);
  const rank = ({ name, fits }: Choice) => (fits ? (name === project.pipeline ? 0 : 1) : 2);
  return pipelines
    .map(({ name, stages }) => ({ name, fits: stageKeys(stages) === wanted }))
    .sort((one, other) => rank(one) - rank(other));
}

function stageKeys(stages: readonly { readonly stage: string }[]): string {
  return stages.map(({ stage }) => stage).join(" ");
}
