import { aliasesOf, keyOfName, type Project } from "@stagefold/core";

/** Where a row belongs: a stage, or one of its parts. */
export interface Place {
  readonly position: number;
  readonly part?: string;
}

/**
 * The place of a stage that a row names by its key, an old key, or a display name. Whole stages come first; older
 * forms have some as parts of another. Undefined when the project has no such stage.
 */
export function placeOf(project: Project, name: string): Place | undefined {
  const { stages } = project.stages_snapshot;
  const key = keyOfName(name);
  const names = key === undefined ? [] : aliasesOf(key);
  for (const one of names) {
    const position = stages.findIndex(({ stage }) => stage === one);
    if (position >= 0) return { position };
  }
  for (const part of names) {
    const position = stages.findIndex(({ sub_stages }) => Object.hasOwn(sub_stages, part));
    if (position >= 0) return { position, part };
  }
  const position = stages.findIndex(({ stage_name }) => name !== "" && stage_name === name);
  return position < 0 ? undefined : { position };
}
