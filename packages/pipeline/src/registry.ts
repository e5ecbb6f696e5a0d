import { aliasesOf, needsOf } from "@stagefold/core/snapshot";
import type { LocalisedText, Pipeline, StageDefinition } from "./definition.ts";
import { PipelineError } from "./errors.ts";

/** The pipelines a process knows, by name. */
export interface PipelineRegistry {
  get(name: string): Pipeline | undefined;
  /** In the order in which they were added: built-ins first, then by file name. */
  list(): readonly Pipeline[];
  /** Files that could not be used, each with what is wrong: they keep no other from being used. */
  problems(): readonly PipelineError[];
}

/** Throws a PipelineError if two pipelines have the same name. */
export function createRegistry(
  pipelines: Iterable<Pipeline>,
  problems: readonly PipelineError[] = [],
): PipelineRegistry {
  const byName = new Map<string, Pipeline>();
  for (const pipeline of pipelines) {
    if (byName.has(pipeline.name)) {
      const message = `pipeline ${JSON.stringify(pipeline.name)}: expected a name of its own, found it twice`;
      throw new PipelineError(message, { pipeline: pipeline.name, field: "name" });
    }
    byName.set(pipeline.name, pipeline);
  }
  const all = Object.freeze([...byName.values()]);
  return { get: (name) => byName.get(name), list: () => all, problems: () => problems };
}

/** The stages that a build with this input has. What needs one that it has not needs what that one needs. */
export function stagesFor(
  { stages }: Pipeline,
  input: Readonly<Record<string, unknown>> = {},
): readonly StageDefinition[] {
  const kept = stages.filter(({ when = {} }) =>
    Object.entries(when).every(([name, value]) => input[name] === value),
  );
  if (kept.length === stages.length) return stages;
  const present = new Set(kept.map(({ stage }) => stage));
  const inherited = (position: number): string[] =>
    needsOf(stages, position).flatMap((i) => {
      const key = stages[i]?.stage ?? "";
      const isLike = stages[i]?.finally === stages[position]?.finally;
      return !isLike ? [] : present.has(key) ? [key] : inherited(i);
    });
  return kept.map((stage) =>
    stage.needs?.some((key) => !present.has(key))
      ? { ...stage, needs: [...new Set(inherited(stages.indexOf(stage)))] }
      : stage,
  );
}

/**
 * The stages of a build that has these keys: those of the pipeline in its order, but for the ones that only some builds
 * have. Undefined when the keys are others.
 */
export function stagesNamed(
  { stages }: Pipeline,
  keys: readonly string[],
): readonly StageDefinition[] | undefined {
  const has = ({ stage }: StageDefinition, key: string | undefined) =>
    key !== undefined && aliasesOf(stage).includes(key);
  const found = stages.filter((one) => one.when === undefined || keys.some((key) => has(one, key)));
  return found.length === keys.length && found.every((one, i) => has(one, keys[i])) ? found : undefined;
}

/** The language that a requirement is written in, as far as pipelines have texts in it. */
export function languageOf(text: string): "zh" | "en" {
  return /\p{Script=Han}/u.test(text) ? "zh" : "en";
}

/** The text in a language; where it has none in that language, the English one, else the first. */
export function stageNameIn(text: LocalisedText, language: string): string {
  if (typeof text === "string") return text;
  const base = language.split("-")[0] ?? language;
  for (const wanted of [language, base, "en"]) {
    const found = Object.hasOwn(text, wanted) ? text[wanted] : undefined;
    if (found !== undefined) return found;
  }
  return Object.values(text)[0] ?? "";
}
