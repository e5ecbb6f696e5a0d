import { Zip, ZipDeflate, ZipPassThrough } from "fflate";

/** A file for the archive; its bytes are asked for when its turn comes. */
export interface ZipEntry {
  readonly path: string;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}

/** From this size on, bytes, files go in as they are: packing them would stop the page for a while. */
const PACKED_AT_MOST = 1024 * 1024;

/** An archive of the files, one after another. Rejects with what an entry rejects with. */
export async function zipOf(
  entries: readonly ZipEntry[],
  onProgress: (done: number) => void = () => undefined,
): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const failures: Error[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) failures.push(error);
    else parts.push(new Uint8Array(chunk));
  });
  for (const [index, entry] of entries.entries()) {
    const bytes = await entry.bytes();
    const file = bytes.length > PACKED_AT_MOST ? new ZipPassThrough(entry.path) : new ZipDeflate(entry.path);
    zip.add(file);
    file.push(bytes, true);
    onProgress(index + 1);
  }
  zip.end();
  const [failure] = failures;
  if (failure) throw failure;
  return new Blob(parts, { type: "application/zip" });
}

/**
 * Where each artifact lies in an archive: its path, in its stage's folder where several stages have made a file of
 * that path.
 */
export function archivePaths<T extends { readonly stage: string; readonly path: string }>(
  artifacts: readonly T[],
): Map<T, string> {
  const makers = new Map<string, number>();
  for (const { path } of artifacts) makers.set(path, (makers.get(path) ?? 0) + 1);
  return new Map(
    artifacts.map((artifact) => [
      artifact,
      (makers.get(artifact.path) ?? 0) > 1 ? `${artifact.stage}/${artifact.path}` : artifact.path,
    ]),
  );
}
