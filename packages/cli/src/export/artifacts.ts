import { Readable } from "node:stream";
import { type Artifact, permissionsOf } from "@stagefold/core";
import type { OpenTable } from "@stagefold/runtime";
import yazl from "yazl";
import type { Cli } from "../cli.ts";
import { endingOf } from "../errors.ts";
import { CliError, EXIT } from "../exit.ts";
import { ArtifactFolder, noteCollisions, saveFile, verified } from "../save.ts";

const REGULAR_FILE = 0o100000;

export interface ExportedArtifacts {
  readonly exported: number;
  /** Recorded without bytes, as imported ones and those of other programs are. */
  readonly without_bytes: readonly string[];
  /** Saved under a name that the file system takes. */
  readonly renamed: readonly RenamedArtifact[];
  /** Not saved; what comes after them is. */
  readonly failed: readonly FailedArtifact[];
  readonly to: string;
}

interface RenamedArtifact {
  readonly path: string;
  readonly saved_as: string;
  readonly reason: string;
}

interface FailedArtifact {
  readonly path: string;
  readonly reason: string;
}

/** One file to be. */
interface Entry {
  readonly name: string;
  readonly artifact: Artifact;
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Writes the artifacts of builds below a folder or into a zip: by their paths, or, of several builds, below a folder
 * for each. Each is held against its recorded SHA-256.
 */
export async function exportArtifacts(
  cli: Cli,
  table: OpenTable,
  ids: readonly string[],
  to: string,
): Promise<ExportedArtifacts> {
  const entries: Entry[] = [];
  const without_bytes: string[] = [];
  for (const id of ids)
    for (const artifact of await latestOf(table, id)) {
      const name = ids.length > 1 ? `${id}/${artifact.path}` : artifact.path;
      const stored = await table.artifacts.get(artifact);
      if (stored) await discard(stored.stream);
      if (stored) entries.push({ name, artifact, open: () => bytesOf(table, artifact) });
      else without_bytes.push(name);
    }
  const renamed: RenamedArtifact[] = [];
  const failed: FailedArtifact[] = [];
  if (to.endsWith(".zip")) await saveFile(to, async () => zipOf(entries, cli.signal), cli);
  else {
    const target = new ArtifactFolder(to, cli.signal);
    for (const { name, artifact, open } of entries)
      try {
        const saved = await target.save(artifact, open, name);
        if (saved.renamed) renamed.push({ path: name, saved_as: saved.file, reason: saved.renamed });
      } catch (error) {
        const ending = cli.signal.aborted ? undefined : endingOf(error);
        if (!ending?.message) throw error;
        failed.push({ path: name, reason: ending.message });
      }
  }
  noteCollisions(
    cli,
    entries.map(({ name }) => name),
  );
  return { exported: entries.length - failed.length, without_bytes, renamed, failed, to };
}

/** Several stages may have written the same path: what the last of them left is what counts. */
async function latestOf({ repository }: OpenTable, id: string): Promise<Artifact[]> {
  const artifacts = await repository.artifactsOf(await repository.get(id));
  return [...new Map(artifacts.map((artifact) => [artifact.path, artifact])).values()];
}

async function bytesOf({ artifacts }: OpenTable, artifact: Artifact): Promise<AsyncIterable<Uint8Array>> {
  const stored = await artifacts.get(artifact);
  if (!stored) throw new CliError(`${artifact.path}: its bytes were removed meanwhile`, EXIT.failed);
  return stored.stream;
}

/** A stream that is opened must be read or ended; an iterator that was not begun would leave its file open. */
async function discard(stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of stream) return;
}

/** The zip as it is made: one artifact is open at a time. */
function zipOf(entries: readonly Entry[], signal: AbortSignal): AsyncIterable<Uint8Array> {
  const zip = new yazl.ZipFile();
  const output = zip.outputStream;
  if (!(output instanceof Readable)) throw new TypeError("expected the zip to be a readable stream");
  const fail = (error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error)));
  zip.on("error", fail);
  for (const { name, artifact, open } of entries) {
    const permissions = permissionsOf(artifact);
    const options = { mtime: new Date(artifact.created_at ?? 0), mode: REGULAR_FILE | permissions };
    zip.addReadStreamLazy(name, options, (give) => {
      open().then((source) => {
        give(null, Readable.from(verified(artifact, source), { signal }).on("error", fail));
      }, fail);
    });
  }
  zip.end();
  return output;
}
