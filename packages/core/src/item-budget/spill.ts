import { StagefoldError } from "../errors.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import { type ArtifactEntry, inlineArtifacts, withArtifacts } from "../project/artifacts.ts";
import { withContents, withEarlierCost } from "../snapshot/derive.ts";
import { newOperationId } from "../snapshot/ids.ts";
import { itemBytes, LIMITS, truncateUtf8, utf8Bytes, valueBytes } from "../snapshot/limits.ts";
import type { OutputData, Project, Stage } from "../snapshot/schema.ts";
import { inNaturalOrder } from "../snapshot/storable.ts";
import {
  inflateStage,
  putDocument,
  putManifest,
  readHistory,
  readOutput,
  readSubStageErrors,
} from "./manifest.ts";

/** Caps of what a stage keeps in the item, in bytes of UTF-8 and entries. */
interface Caps {
  readonly output: number;
  readonly artifacts: number;
  readonly artifactEntries: number;
  readonly history: number;
  readonly tail: boolean;
  /** Bytes of what went wrong with all sub-stages together. */
  readonly subStageErrors: number;
}

const NORMAL: Caps = {
  output: LIMITS.inlineOutput,
  artifacts: LIMITS.artifacts,
  artifactEntries: LIMITS.artifactEntries,
  history: 16 * 1024,
  tail: true,
  subStageErrors: 8 * 1024,
};
/** To make room: for stages that do not run, and for all of them in a write that ends something and must fit. */
const MINIMAL: Caps = {
  output: 256,
  artifacts: 0,
  artifactEntries: 0,
  history: 0,
  tail: false,
  subStageErrors: 0,
};

/** What the item keeps of the error of a sub-stage whose full text is in the document. */
const MAX_ERROR_PREVIEW = 80;

/** A stage with its full list of artifacts, as transitions want it. */
export async function inflate(project: Project, position: number, store: ArtifactStore): Promise<Project> {
  const stage = project.stages_snapshot.stages[position];
  if (stage?.artifact_manifest === undefined) return project;
  return withContents(project, position, await inflateStage(project.project_id, stage, store));
}

/**
 * The project as the item may keep it: what exceeds the caps of a changed stage moves to the store.
 * `superseded` is given the names of documents that no item names once the write has taken effect.
 * Errors: SNAPSHOT_TOO_LARGE when the item would be too large, unless the write ends something.
 */
export async function spill(
  known: Project,
  next: Project,
  store: ArtifactStore,
  superseded: string[] = [],
): Promise<Project> {
  const before = known.stages_snapshot.stages;
  const capped = await capStages(next, NORMAL, store, before, superseded);
  if (fits(known, capped)) return capped;
  const roomy = await spillIdle(capped, store);
  if (fits(known, roomy)) return roomy;
  const size = itemBytes(roomy);
  if (!endsSomething(known, roomy))
    throw new StagefoldError(
      "SNAPSHOT_TOO_LARGE",
      `The project would weigh ${size} bytes; it may weigh ${LIMITS.item}. Keep large results as artifacts.`,
      { size, limit: LIMITS.item },
    );
  return await spillAll(roomy, store);
}

/** The project with everything moved to the store that can be: what a write that must fit leaves in the item. */
async function spillAll(project: Project, store: ArtifactStore): Promise<Project> {
  return await capStages(project, MINIMAL, store);
}

/** What does not run makes room for what does. */
async function spillIdle(project: Project, store: ArtifactStore): Promise<Project> {
  const { stages } = project.stages_snapshot;
  const spilled = await spillAll(project, store);
  const kept = spilled.stages_snapshot.stages.map((stage, i) =>
    stages[i]?.status === "running" ? stages[i] : stage,
  );
  return { ...project, stages_snapshot: { ...project.stages_snapshot, stages: kept } };
}

function fits(known: Project, next: Project): boolean {
  const size = itemBytes(next);
  return size <= LIMITS.item || size <= itemBytes(known);
}

function endsSomething(known: Project, next: Project): boolean {
  if (next.lease.owner === undefined && known.lease.owner !== undefined) return true;
  return next.stages_snapshot.stages.some(
    (stage, i) => known.stages_snapshot.stages[i]?.status !== stage.status && stage.status !== "running",
  );
}

/** Each stage within the caps; one that is as it was `before` stays as it is. */
async function capStages(
  next: Project,
  caps: Caps,
  store: ArtifactStore,
  before: readonly Stage[] = [],
  superseded: string[] = [],
): Promise<Project> {
  const stages = await Promise.all(
    next.stages_snapshot.stages.map((stage, i) =>
      stage === before[i] ? stage : capStage(next, stage, caps, store, before[i], superseded),
    ),
  );
  return stages.every((stage, i) => stage === next.stages_snapshot.stages[i])
    ? next
    : { ...next, stages_snapshot: { ...next.stages_snapshot, stages } };
}

async function capStage(
  project: Project,
  stage: Stage,
  caps: Caps,
  store: ArtifactStore,
  before: Stage | undefined,
  superseded: string[],
): Promise<Stage> {
  const moved = await capOutput(project.project_id, stage, caps, store);
  const listed = await capArtifacts(project.project_id, moved, caps, store, before, superseded);
  const kept = await capHistory(project.project_id, listed, caps, store);
  const short = await capSubStageErrors(project.project_id, kept, caps.subStageErrors, store);
  return caps.tail || short.logs === undefined || short.logs.length === 0 ? short : { ...short, logs: [] };
}

/** Beyond the cap the item keeps the beginning of each error; the full texts are a document in the store. */
async function capSubStageErrors(
  projectId: string,
  stage: Stage,
  maxBytes: number,
  store: ArtifactStore,
): Promise<Stage> {
  const errors = Object.entries(stage.sub_stages).flatMap(([key, { error_message }]) =>
    error_message ? [[key, error_message] as const] : [],
  );
  const isLong = errors.some(([, text]) => utf8Bytes(text) > MAX_ERROR_PREVIEW);
  if (!isLong || errors.reduce((sum, [, text]) => sum + utf8Bytes(text), 0) <= maxBytes) return stage;
  const earlier = await readSubStageErrors(projectId, stage, store);
  const full = Object.fromEntries(
    errors.map(([key, text]) => {
      const before = Object.hasOwn(earlier, key) ? earlier[key] : undefined;
      return [key, before !== undefined && previewOf(before) === text ? before : text];
    }),
  );
  const sub_stage_errors_ref = await putDocument(
    projectId,
    `errors-${stage.stage}-${stage.attempt}`,
    full,
    store,
  );
  const short = errors.map(([key, text]) => [
    key,
    { ...stage.sub_stages[key], error_message: previewOf(text) },
  ]);
  return {
    ...stage,
    sub_stages: { ...stage.sub_stages, ...Object.fromEntries(short) },
    sub_stage_errors_ref,
  };
}

function previewOf(error: string): string {
  return truncateUtf8(error, MAX_ERROR_PREVIEW);
}

/** A large output becomes an artifact of its stage, which `output_ref` names. */
async function capOutput(projectId: string, stage: Stage, caps: Caps, store: ArtifactStore): Promise<Stage> {
  const { artifacts, artifact_info, artifact_count: _c, ...own } = stage.output_data;
  if (valueBytes(own) <= caps.output) return stage;
  const all = await inflateStage(projectId, stage, store);
  const path = outputPath(all);
  // In one order: the same output has the same bytes, whichever way its fields came together.
  const bytes = new TextEncoder().encode(JSON.stringify(inNaturalOrder(own)));
  const stored = await store.put(
    { project_id: projectId, stage: stage.stage, attempt: stage.attempt, path },
    bytes,
  );
  const output_data: OutputData = { artifacts, artifact_info };
  const entry = { ...stored, media_type: "application/json", path };
  const others = inlineArtifacts(all).filter((other) => other.path !== path);
  return withArtifacts({ ...all, output_data, output_ref: path }, [...others, entry]);
}

/** Where an output goes: not where the stage itself has put an artifact. */
function outputPath(stage: Stage): string {
  if (stage.output_ref !== undefined) return stage.output_ref;
  const taken = new Set(stage.output_data.artifacts);
  let path = `outputs/${stage.stage}.json`;
  for (let n = 2; taken.has(path); n++) path = `outputs/${stage.stage}-${n}.json`;
  return path;
}

/** A stage with the output that was moved to an artifact of its own. */
export async function inflateOutput(
  project: Project,
  position: number,
  store: ArtifactStore,
): Promise<Project> {
  const stage = project.stages_snapshot.stages[position];
  if (stage?.output_ref === undefined) return project;
  const { output_ref: path, ...rest } = stage;
  const { project_id } = project;
  const own = await readOutput({ project_id, stage: stage.stage, attempt: stage.attempt, path }, store);
  const listed = withArtifacts(
    rest,
    inlineArtifacts(rest).filter((entry) => entry.path !== path),
  );
  return withContents(project, position, { ...listed, output_data: { ...listed.output_data, ...own } });
}

/** Beyond the cap the item keeps the first entries and a count; the whole list is a document in the store. */
async function capArtifacts(
  projectId: string,
  stage: Stage,
  caps: Caps,
  store: ArtifactStore,
  before: Stage | undefined,
  superseded: string[],
): Promise<Stage> {
  const entries = inlineArtifacts(stage);
  const inline = firstWithin(entries, caps);
  if (inline.length === entries.length) return stage;
  const document =
    stage.artifact_manifest ?? (await putManifest(projectId, stage, entries, store, before, superseded));
  const artifact_count = stage.output_data.artifact_count ?? entries.length;
  const short = withArtifacts(stage, inline);
  return {
    ...short,
    output_data: { ...short.output_data, artifact_count },
    artifact_manifest: document,
    sub_stages: withListedOnly(short),
  };
}

/** The parts of a stage name only artifacts that the item still lists. */
function withListedOnly(stage: Stage): Stage["sub_stages"] {
  const listed = new Set(stage.output_data.artifacts);
  return Object.fromEntries(
    Object.entries(stage.sub_stages).map(([key, part]) => [
      key,
      { ...part, artifacts: part.artifacts.filter((path) => listed.has(path)) },
    ]),
  );
}

function firstWithin(entries: readonly ArtifactEntry[], caps: Caps): readonly ArtifactEntry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, i) => {
    bytes += valueBytes(entry);
    return i >= caps.artifacts || bytes > caps.artifactEntries;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

async function capHistory(projectId: string, stage: Stage, caps: Caps, store: ArtifactStore): Promise<Stage> {
  if (stage.history.length === 0 || valueBytes(stage.history) <= caps.history) return stage;
  const earlier =
    stage.history_ref === undefined ? [] : await readHistory(projectId, stage.history_ref, store);
  const history_ref = `history-${stage.stage}-${stage.attempt}-${newOperationId()}`;
  await store.putDocument(projectId, history_ref, [...earlier, ...stage.history]);
  // What the present attempt cost its own metrics still say.
  const gone = stage.history.filter(({ attempt }) => attempt !== stage.attempt);
  return { ...withEarlierCost(stage, gone), history: [], history_ref };
}
