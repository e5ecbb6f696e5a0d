import { permissionsOf } from "@stagefold/core";
import { Zip, ZipDeflate, ZipPassThrough } from "fflate";

/** A file for the archive; its bytes are asked for when its turn comes. There are none of one that is left out. */
export interface ZipEntry {
  readonly path: string;
  readonly executable?: boolean | undefined;
  /** Its permission bits in octal digits, where they are not the usual ones. */
  readonly mode?: string | undefined;
  bytes(): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** From this size on, bytes, files go in as they are: packing them would stop the page for a while. */
const MAX_PACKED_BYTES = 1024 * 1024;
/** The system that the attributes of a file are of: Unix, whose mode is their upper half. */
const UNIX = 3;
const REGULAR_FILE = 0o100000;

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
    onProgress(index + 1);
    if (bytes === undefined) continue;
    const file =
      bytes.length > MAX_PACKED_BYTES ? new ZipPassThrough(entry.path) : new ZipDeflate(entry.path);
    file.os = UNIX;
    const permissions = permissionsOf(entry);
    file.attrs = ((REGULAR_FILE | permissions) << 16) >>> 0;
    zip.add(file);
    file.push(bytes, true);
  }
  zip.end();
  const [failure] = failures;
  if (failure) throw failure;
  return new Blob(parts, { type: "application/zip" });
}

/**
 * Where each artifact lies in an archive: its path, in its stage's folder where that alone would be the place of
 * several files.
 */
export function archivePaths<T extends { readonly stage: string; readonly path: string }>(
  artifacts: readonly T[],
): Map<T, string> {
  const makers = new Map<string, number>();
  for (const { path } of artifacts) makers.set(path, (makers.get(path) ?? 0) + 1);
  const isShared = ({ path }: T) => (makers.get(path) ?? 0) > 1;
  const paths = new Map<T, string>();
  const taken = new Set<string>();
  const place = (artifact: T, wanted: string): void => {
    let path = wanted;
    while (taken.has(path)) path = `${artifact.stage}/${path}`;
    taken.add(path);
    paths.set(artifact, path);
  };
  for (const artifact of artifacts.filter(isShared)) place(artifact, `${artifact.stage}/${artifact.path}`);
  for (const artifact of artifacts.filter((one) => !isShared(one))) place(artifact, artifact.path);
  return paths;
}
