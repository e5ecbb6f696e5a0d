import { createHash } from "node:crypto";
import { dirname, relative, resolve, sep } from "node:path";
import { fsReason, makeFolder, writeFileAtomic } from "@stagefold/node-files";
import { CliError, EXIT } from "./exit.ts";

/**
 * Writes a file, and the folders above it. The file appears whole, or not at all. `open` is called when the place is
 * known to take it.
 */
export async function saveFile(
  file: string,
  open: () => Promise<AsyncIterable<Uint8Array | string>>,
  { signal, mode = 0o666 }: { readonly signal: AbortSignal; readonly mode?: number },
): Promise<void> {
  await saving(file, () => makeFolder(dirname(file), 0o777));
  const source = await open();
  await saving(file, () => writeFileAtomic(file, source, { mode, signal }));
}

/** Where a file of this name goes below a folder. What a build names is not trusted to stay there. */
export function placeOf(path: string, folder: string): string {
  const root = resolve(folder);
  const file = resolve(root, path);
  const inside = relative(root, file);
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || path.includes("\0"))
    throw new CliError(`the path ${JSON.stringify(path)} leads out of ${folder}`, EXIT.failed);
  return file;
}

/** What is known of the bytes of an artifact. `size` in bytes. */
export interface Recorded {
  readonly path: string;
  readonly sha256?: string | undefined;
  readonly size?: number | undefined;
}

/** The bytes as they pass; at their end they are held against what was recorded. `seen` hears how many came. */
export async function* verified(
  artifact: Recorded,
  source: AsyncIterable<Uint8Array>,
  seen: (bytes: number) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  const found = hash.digest("hex");
  const { path, sha256 } = artifact;
  if (sha256 !== undefined && sha256.toLowerCase() !== found)
    throw new CliError(`${path}: expected SHA-256 ${sha256}, found ${found}; it was not saved`, EXIT.failed);
  if (artifact.size !== undefined && artifact.size !== size)
    throw new CliError(
      `${path}: expected ${artifact.size} bytes, found ${size}; it was not saved`,
      EXIT.failed,
    );
  seen(size);
}

/** What the disk refuses is named, with the file it was for. */
async function saving<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = fsReason(error);
    if (reason === undefined) throw error;
    throw new CliError(`cannot save ${file}: ${reason}`, EXIT.failed, { cause: error });
  }
}
