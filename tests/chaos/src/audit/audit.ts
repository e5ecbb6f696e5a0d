import { isDeepStrictEqual } from "node:util";
import { type Item, itemBytes, normalise, type Project } from "@stagefold/core";
import { runsOf } from "../world/pipeline.ts";
import type { World } from "../world/world.ts";
import { checkAnswer } from "./answers.ts";
import type { Finding } from "./finding.ts";
import { checkHistory, type ProjectHistory } from "./history.ts";
import { checkIndexes, checkLists } from "./lists.ts";
import { type Observation, observe } from "./observe.ts";
import { checkStages, type Files, gather, type StageEvidence } from "./stages.ts";

/** All that the comparison is made from. */
export interface Evidence {
  readonly observation: Observation;
  readonly histories: readonly ProjectHistory[];
  /** Of the builds that were completed since they were last looked at. */
  readonly stages: ReadonlyMap<string, StageEvidence>;
  /** Whose answers were acknowledged, by build. */
  readonly answers: ReadonlyMap<string, readonly string[]>;
}

/** Reads everything, while nothing is going on. */
export async function collect(world: World, files: Files): Promise<Evidence> {
  const observation = await observe(world);
  const stored = new Map(observation.items.map((item) => [String(item.project_id), item]));
  const { journal } = world;
  const histories = [...new Set([...journal.projects, ...stored.keys()])].map((project_id) => ({
    project_id,
    settled: journal.settledAt(project_id),
    writes: journal.writesTo(project_id),
    stored: stored.get(project_id),
  }));
  const stages = new Map<string, StageEvidence>();
  for (const { project_id, stored: item, settled } of histories) {
    if (item?.status !== "completed" || settled) continue;
    stages.set(project_id, await gather(normalise(item), await runsOf(world.runs, project_id), files));
  }
  return { observation, histories, stages, answers: new Map(world.driver.answers) };
}

/** Compares the journal with the table, the table with every list, and the stages with what is recorded of them. */
export function compare({ observation, histories, stages, answers }: Evidence): Finding[] {
  const findings = [...checkIndexes(observation), ...checkLists(observation)];
  for (const history of histories) {
    findings.push(...checkHistory(history));
    const { stored, settled, writes } = history;
    if (settled && isDeepStrictEqual(settled, stored) && writes.length === 0) continue;
    if (!stored) continue;
    const project = normalise(stored);
    const evidence = stages.get(project.project_id);
    if (evidence) findings.push(...checkStages(project, evidence));
    if (evidence) findings.push(...checkAnswer(project, answers.get(project.project_id) ?? []));
    findings.push(...checkSize(project, stored));
  }
  return findings;
}

/** The last write of a build that is completed is its lease owner's, who knows all of the item: what it says it weighs is so. */
function checkSize(project: Project, item: Item): Finding[] {
  if (project.status !== "completed" || project.item_bytes === itemBytes(item)) return [];
  const detail = `item_bytes is ${project.item_bytes}, the item weighs ${itemBytes(item)}`;
  return [{ what: "inconsistent", where: project.project_id, detail }];
}
