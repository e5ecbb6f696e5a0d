import { createHash } from "node:crypto";
import { type ArtifactStore, type LogStore, type Project, type Stage, textsOf } from "@stagefold/core";
import { dataOf, expectedLog, GATE, resultOf } from "../world/pipeline.ts";
import type { Finding, FindingKind } from "./finding.ts";

/** What the stages of a completed build left outside the item. */
export interface StageEvidence {
  /** One entry each time that an attempt began, as `<stage> <attempt>`. */
  readonly runs: readonly string[];
  /** Text by `<stage>/<path>`; undefined where the store has none. */
  readonly artifacts: ReadonlyMap<string, string | undefined>;
  /** The lines that a reader gets of the attempt that counted, by stage. */
  readonly logs: ReadonlyMap<string, readonly string[]>;
}

export interface Files {
  readonly artifacts: ArtifactStore;
  readonly logs: LogStore;
}

export async function gather(
  project: Project,
  runs: readonly string[],
  files: Files,
): Promise<StageEvidence> {
  const artifacts = new Map<string, string | undefined>();
  const logs = new Map<string, readonly string[]>();
  for (const stage of project.stages_snapshot.stages) {
    const ref = { project_id: project.project_id, stage: stage.stage, attempt: stage.attempt };
    for (const path of stage.output_data.artifacts)
      artifacts.set(`${stage.stage}/${path}`, await textOf(files, { ...ref, path }));
    const page = await files.logs.read(ref, { limit: 1000, upTo: stage.log_seq ?? 0 });
    logs.set(stage.stage, textsOf(page.lines));
  }
  return { runs, artifacts, logs };
}

async function textOf(files: Files, ref: Parameters<ArtifactStore["get"]>[0]): Promise<string | undefined> {
  const found = await files.artifacts.get(ref);
  if (!found) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of found.stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Each stage ran in the attempt that is recorded, no attempt ran twice, and what it made is there, once. */
export function checkStages(project: Project, evidence: StageEvidence): Finding[] {
  const findings: Finding[] = [];
  const add = (what: FindingKind, detail: string) =>
    findings.push({ what, where: project.project_id, detail });
  const doubled = evidence.runs.filter((run, i) => evidence.runs.indexOf(run) !== i);
  for (const run of doubled) add("stage run twice", `${run} began more than once`);
  for (const stage of project.stages_snapshot.stages) {
    // A gate runs nothing.
    if (stage.stage === GATE) continue;
    if (!evidence.runs.includes(`${stage.stage} ${stage.attempt}`))
      add(
        "stage not run",
        `${stage.stage} is ${stage.status} in attempt ${stage.attempt}, which never began`,
      );
    const lines = evidence.logs.get(stage.stage) ?? [];
    const wanted = expectedLog(stage.stage, stage.attempt);
    if (lines.join("\n") !== wanted.join("\n"))
      add("log", `${stage.stage}: expected ${wanted.join(" | ")}; found ${lines.join(" | ")}`);
    for (const detail of artifactFaults(project.project_id, stage, evidence)) add("artifact", detail);
  }
  return findings;
}

function artifactFaults(projectId: string, stage: Stage, evidence: StageEvidence): string[] {
  const { artifacts, artifact_info } = stage.output_data;
  const wanted = artifactsWanted(projectId, stage);
  const faults: string[] = [];
  if ([...artifacts].sort().join() !== [...wanted.keys()].sort().join())
    faults.push(`${stage.stage} lists ${artifacts.join(", ") || "none"}`);
  for (const [path, text] of wanted) {
    const kept = evidence.artifacts.get(`${stage.stage}/${path}`);
    const sha256 = createHash("sha256").update(text).digest("hex");
    if (kept !== text) faults.push(`${stage.stage}/${path} holds ${JSON.stringify(kept)}`);
    if (artifact_info[path]?.sha256 !== sha256) faults.push(`${stage.stage}/${path} has another sum`);
  }
  return faults;
}

function artifactsWanted(projectId: string, { stage, attempt }: Stage): Map<string, string> {
  if (stage === "prepare") return new Map([["in/data.txt", dataOf(projectId)]]);
  if (stage !== "compute") return new Map();
  const { path, text } = resultOf(projectId, attempt);
  return new Map([[path, text]]);
}
