import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CliError, EXIT } from "./exit.ts";

/**
 * Writes a file, and the folders above it. The file appears whole, or not at all. `open` is called when the place is
 * known to take it.
 */
export async function saveFile(
  file: string,
  open: () => Promise<AsyncIterable<Uint8Array | string>>,
  signal: AbortSignal,
): Promise<void> {
  const part = `${file}.${randomUUID()}.part`;
  await saving(file, () => makeFolder(dirname(file)));
  const source = await open();
  try {
    await saving(file, () =>
      pipeline(Readable.from(source), createWriteStream(part, { flags: "wx" }), { signal }),
    );
    await saving(file, () => rename(part, file));
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
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
    if (!isSystemError(error)) throw error;
    throw new CliError(`cannot save ${file}: ${error.message}`, EXIT.failed, { cause: error });
  }
}

/**
 * Makes a folder and those above it. `mkdir` with `recursive` never ends where a folder is there but takes no others
 * (/proc): it asks for the parent and the folder in turn, for ever.
 */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === "EEXIST" && (await stat(folder)).isDirectory()) return;
    if (error.code !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
