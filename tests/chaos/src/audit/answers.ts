import type { Project } from "@stagefold/core";
import { GATE } from "../world/pipeline.ts";
import type { Finding } from "./finding.ts";

/**
 * The gate of a completed build has an answer that was acknowledged to the person who gave it, and no more answers were
 * than times it asked: once, unless a cancel or a failure ended the build before its answer was taken up.
 */
export function checkAnswer(project: Project, acknowledged: readonly string[]): Finding[] {
  const gate = project.stages_snapshot.stages.find(({ stage }) => stage === GATE);
  if (gate === undefined) return [];
  const where = project.project_id;
  const said: unknown = gate.output_data.answer;
  const by = typeof said === "object" && said !== null ? String(Reflect.get(said, "by")) : String(said);
  const found = `${by} is recorded after ${gate.attempt} openings in ${project.run} runs; acknowledged: ${acknowledged.join(", ")}`;
  if (!acknowledged.includes(by)) return [{ what: "answer lost", where, detail: found }];
  const openings = project.run === 1 ? 1 : gate.attempt;
  return acknowledged.length > openings ? [{ what: "answer doubled", where, detail: found }] : [];
}
