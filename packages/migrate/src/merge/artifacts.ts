import {
  type ArtifactInfo,
  canonicalJson,
  inlineArtifacts,
  type Stage,
  type SubStage,
  withArtifacts,
} from "@stagefold/core";

/** One artifact that a row names. */
export interface NewArtifact {
  readonly path: string;
  readonly info: ArtifactInfo;
  /** The part of the stage that made it. */
  readonly part?: string | undefined;
}

/**
 * The stage with these artifacts besides its own, and for each whether it added a path or details of one. What is
 * known stays: a row that says otherwise of the same field adds nothing.
 */
export function addArtifacts(
  stage: Stage,
  given: readonly NewArtifact[],
): { stage: Stage; added: boolean[] } {
  const entries = new Map(inlineArtifacts(stage).map((entry) => [entry.path, entry]));
  const parts = new Map(
    Object.entries(stage.sub_stages).map(([key, part]) => [key, new Set(part.artifacts)] as const),
  );
  const added = given.map(({ path, info, part }) => {
    const known = entries.get(path);
    const next = { ...info, ...known, path };
    const ofPart = part === undefined ? undefined : parts.get(part);
    const newToPart = ofPart?.has(path) === false;
    ofPart?.add(path);
    if (known && canonicalJson(known) === canonicalJson(next)) return newToPart;
    entries.set(path, next);
    return true;
  });
  if (!added.includes(true)) return { stage, added };
  const listed = withArtifacts(stage, [...entries.values()]);
  const sub_stages = Object.fromEntries(
    Object.entries(stage.sub_stages).map(([key, part]): [string, SubStage] => [
      key,
      { ...part, artifacts: [...(parts.get(key) ?? [])] },
    ]),
  );
  return { stage: { ...listed, sub_stages }, added };
}
