import { z } from "zod";
import { DamagedDocumentError } from "../errors.ts";
import type { ArtifactRef, ArtifactStore } from "../ports/artifact-store.ts";
import { type ArtifactEntry, inlineArtifacts, withArtifacts } from "../project/artifacts.ts";
import { canonicalJson, sha256Hex } from "../snapshot/ids.ts";
import {
  artifactInfoSchema,
  type HistoryEntry,
  historyEntrySchema,
  type Project,
  type Stage,
} from "../snapshot/schema.ts";
import { inNaturalOrder } from "../snapshot/storable.ts";

const manifestSchema = z.array(
  artifactInfoSchema.extend({ path: z.string(), sub_stage: z.string().optional() }),
);
/** One entry of a full list, with the part that made it. */
type ManifestEntry = z.output<typeof manifestSchema>[number];

/** One artifact as every list shows it. `size` in bytes. */
export const artifactSchema = artifactInfoSchema.extend({
  project_id: z.string(),
  stage: z.string(),
  sub_stage: z.string().optional(),
  attempt: z.number().int(),
  path: z.string(),
});
export type Artifact = z.output<typeof artifactSchema>;

/**
 * A full list is a chain of documents: each has the entries that were added or changed since the one before it. What is
 * recorded bit by bit is then not written as a whole each time.
 */
const chainSchema = z.union([
  manifestSchema.transform((entries) => ({ previous: undefined, entries })),
  z.object({ previous: z.string(), entries: manifestSchema }),
]);

interface ManifestPart {
  readonly name: string;
  readonly entries: readonly ManifestEntry[];
}

/** The documents of a full list, the newest first. */
async function readManifestParts(
  projectId: string,
  name: string,
  store: ArtifactStore,
): Promise<ManifestPart[]> {
  const parts: ManifestPart[] = [];
  for (let next: string | undefined = name; next !== undefined; ) {
    const { previous, entries }: z.output<typeof chainSchema> = await readDocument(
      projectId,
      next,
      chainSchema,
      store,
    );
    parts.push({ name: next, entries });
    next = previous;
  }
  return parts;
}

/** The full list of a stage's artifacts, from the documents that keep it. */
async function readManifest(projectId: string, name: string, store: ArtifactStore): Promise<ManifestEntry[]> {
  return entriesOf(await readManifestParts(projectId, name, store));
}

/** An entry stays where it was first recorded, with the details that it was given last. */
function entriesOf(parts: readonly Pick<ManifestPart, "entries">[]): ManifestEntry[] {
  const entries = new Map<string, ManifestEntry>();
  for (const part of parts.toReversed()) for (const entry of part.entries) entries.set(entry.path, entry);
  return [...entries.values()];
}

/** A history that was moved to the store. */
export async function readHistory(
  projectId: string,
  name: string,
  store: ArtifactStore,
): Promise<HistoryEntry[]> {
  return await readDocument(projectId, name, historyEntrySchema.array(), store);
}

/** The full errors of sub-stages whose item keeps their beginnings, by key. */
export async function readSubStageErrors(
  projectId: string,
  stage: Stage,
  store: ArtifactStore,
): Promise<Readonly<Record<string, string>>> {
  const { sub_stage_errors_ref: name } = stage;
  return name === undefined
    ? {}
    : await readDocument(projectId, name, z.record(z.string(), z.string()), store);
}

/** An output that was moved to an artifact. */
export async function readOutput(ref: ArtifactRef, store: ArtifactStore): Promise<Record<string, unknown>> {
  const found = await store.get(ref);
  if (!found) throw new DamagedDocumentError(ref.project_id, ref.path);
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of found.stream) text += decoder.decode(bytes, { stream: true });
  try {
    return inNaturalOrder(outputSchema.parse(JSON.parse(text + decoder.decode())));
  } catch (error) {
    throw new DamagedDocumentError(ref.project_id, ref.path, error);
  }
}

const outputSchema = z.record(z.string(), z.unknown());

async function readDocument<T>(
  projectId: string,
  name: string,
  schema: z.ZodType<T>,
  store: ArtifactStore,
): Promise<T> {
  const parsed = schema.safeParse(await store.getDocument(projectId, name));
  if (parsed.success) return parsed.data;
  throw new DamagedDocumentError(projectId, name, parsed.error);
}

/** Which part of a stage made which of the artifacts that the item lists. */
function partsOf(stage: Stage): Map<string, string> {
  return new Map(
    Object.entries(stage.sub_stages).flatMap(([key, part]) =>
      part.artifacts.map((path) => [path, key] as const),
    ),
  );
}

/** The stage with the full list of a manifest in the place of the short one, its parts' lists included. */
function inflated(stage: Stage, entries: readonly ManifestEntry[]): Stage {
  const listed = entries.map(({ sub_stage: _s, ...entry }): ArtifactEntry => entry);
  const sub_stages = Object.fromEntries(
    Object.entries(stage.sub_stages).map(([key, part]) => {
      const artifacts = entries.flatMap(({ path, sub_stage }) => (sub_stage === key ? [path] : []));
      return [key, { ...part, artifacts: [...new Set([...part.artifacts, ...artifacts])] }];
    }),
  );
  return { ...withArtifacts(stage, listed), sub_stages };
}

/** A stage with all its artifacts, those that the item only counts included. */
export async function inflateStage(projectId: string, stage: Stage, store: ArtifactStore): Promise<Stage> {
  if (stage.artifact_manifest === undefined) return stage;
  return inflated(stage, await readManifest(projectId, stage.artifact_manifest, store));
}

/** Every artifact of a stage, those that the item only counts included. */
export async function artifactsOfStage(
  project: Project,
  stage: Stage,
  store: ArtifactStore,
): Promise<Artifact[]> {
  return inlineArtifactsOf(project, await inflateStage(project.project_id, stage, store));
}

/** The artifacts of a stage that are in the item. */
export function inlineArtifactsOf(project: Project, stage: Stage): Artifact[] {
  const parts = partsOf(stage);
  return inlineArtifacts(stage).map((entry) => {
    const sub_stage = parts.get(entry.path);
    return {
      ...entry,
      project_id: project.project_id,
      stage: stage.stage,
      ...(sub_stage !== undefined && { sub_stage }),
      attempt: stage.attempt,
    };
  });
}

/**
 * A new document of the list with what has changed since `before`. It takes in the documents before it that are not much
 * longer, so that there are few of them and each entry is written seldom.
 */
export async function putManifest(
  projectId: string,
  stage: Stage,
  entries: readonly ArtifactEntry[],
  store: ArtifactStore,
  before: Stage | undefined,
  superseded: string[],
): Promise<string> {
  const prefix = `artifacts-${stage.stage}-${stage.attempt}`;
  const list: ManifestEntry[] = withTheirParts(stage, entries);
  const earlier = before?.attempt === stage.attempt ? before.artifact_manifest : undefined;
  const parts = earlier === undefined ? [] : await readManifestParts(projectId, earlier, store);
  const known = new Map(entriesOf(parts).map((entry) => [entry.path, entry]));
  const paths = new Set(list.map(({ path }) => path));
  const isAppended = [...known.keys()].every((path) => paths.has(path));
  let changed = isAppended ? list.filter((entry) => !isSameEntry(known.get(entry.path), entry)) : list;
  const [newest] = parts;
  if (newest && changed.length === 0) return newest.name;
  const kept = isAppended ? [...parts] : [];
  while (kept[0] && kept[0].entries.length <= 2 * changed.length)
    changed = entriesOf([{ entries: changed }, ...kept.splice(0, 1)]);
  const document = kept[0] ? { previous: kept[0].name, entries: changed } : changed;
  const name = await putDocument(projectId, prefix, document, store);
  const keptNames = new Set([name, ...kept.map((part) => part.name)]);
  superseded.push(...parts.map((part) => part.name).filter((one) => !keptNames.has(one)));
  return name;
}

function isSameEntry(a: ManifestEntry | undefined, b: ManifestEntry): boolean {
  if (!a) return false;
  const [old, now] = [new Map(Object.entries(a)), Object.entries(b)];
  return (
    old.size === now.length &&
    now.every(([field, value]) => {
      const before = old.get(field);
      return (
        before === value || (typeof value === "object" && canonicalJson(before) === canonicalJson(value))
      );
    })
  );
}

/** Content-addressed: deciding the same write twice stores one document. */
export async function putDocument(
  projectId: string,
  prefix: string,
  value: unknown,
  store: ArtifactStore,
): Promise<string> {
  const name = `${prefix}-${(await sha256Hex(canonicalJson(value))).slice(0, 16)}`;
  await store.putDocument(projectId, name, value);
  return name;
}

/** The document says which part made what: the item forgets it with the entries that it no longer lists. */
function withTheirParts(stage: Stage, entries: readonly ArtifactEntry[]): ArtifactEntry[] {
  const parts = partsOf(stage);
  return entries.map((entry) => {
    const sub_stage = parts.get(entry.path);
    return sub_stage === undefined ? entry : { ...entry, sub_stage };
  });
}
