import { createHash } from "node:crypto";
import { lstat } from "node:fs/promises";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { permissionsOf } from "@stagefold/core";
import { errorCode, fsReason, makeFolder, verifiedBytes, writeFileAtomic } from "@stagefold/node-files";
import type { Cli } from "./cli.ts";
import { CliError, EXIT } from "./exit.ts";
import { escaped } from "./view/escape.ts";

type Bytes = AsyncIterable<Uint8Array | string>;

/**
 * Writes a file, and the folders above it. The file appears whole, or not at all. `open` is called when the place is
 * known to take it.
 */
export async function saveFile(
  file: string,
  open: () => Promise<Bytes>,
  { signal, mode = 0o666 }: { readonly signal: AbortSignal; readonly mode?: number },
): Promise<void> {
  await saving(file, () => makeFolder(dirname(file), 0o777));
  const source = await open();
  await saving(file, () => writeFileAtomic(file, source, { mode, signal }));
}

/** What is known of the bytes of an artifact. `size` in bytes. */
export interface Recorded {
  readonly path: string;
  readonly sha256?: string | undefined;
  readonly size?: number | undefined;
  readonly executable?: boolean | undefined;
  readonly mode?: string | undefined;
}

export interface Saved {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Why the file has another name than its artifact; undefined when it has the same. */
  readonly renamed?: string;
}

/** What a file system says of a name that it cannot give to a file. */
const NAME_REFUSED = ["ENAMETOOLONG", "EINVAL", "EILSEQ", "ENOTDIR", "EISDIR", "EEXIST", "ENOTEMPTY"];

/** Saves artifacts below a folder, each by its path; by a safe name where the file system cannot keep that path. */
export class ArtifactFolder {
  readonly #folder: string;
  readonly #signal: AbortSignal;
  /** By names as a file system compares them that ignores case and composition. */
  readonly #saved = new Map<string, { readonly name: string; readonly file: string }>();

  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
  }

  /** `name` is a path below the folder. The file appears whole and verified, or not at all. */
  async save(
    artifact: Recorded,
    open: () => Promise<AsyncIterable<Uint8Array>>,
    name = artifact.path,
  ): Promise<Saved> {
    const file = resolveInside(name, this.#folder);
    let renamed = await this.#whyNot(name, file);
    if (renamed === undefined)
      try {
        return await this.#write(artifact, open, name, file);
      } catch (error) {
        const cause = error instanceof CliError ? error.cause : error;
        if (!NAME_REFUSED.includes(errorCode(cause) ?? "")) throw error;
        renamed = fsReason(cause) ?? String(cause);
      }
    const safe = join(this.#folder, safeName(name));
    return { ...(await this.#write(artifact, open, name, safe)), renamed };
  }

  async #write(
    artifact: Recorded,
    open: () => Promise<AsyncIterable<Uint8Array>>,
    name: string,
    file: string,
  ): Promise<Saved> {
    let size = 0;
    const source = async function* () {
      size = yield* verified(artifact, await open());
    };
    await saveFile(file, async () => source(), {
      signal: this.#signal,
      mode: permissionsOf(artifact),
    });
    this.#saved.set(folded(name), { name, file });
    return { file, size };
  }

  /** Why a file cannot have this name here, found out before its bytes are fetched. */
  async #whyNot(name: string, file: string): Promise<string | undefined> {
    try {
      const found = await lstat(file);
      if (found.isDirectory()) return "there is a folder of this name";
      const other = this.#saved.get(folded(name));
      // This file system takes the two names for one.
      if (other !== undefined && other.name !== name && (await lstat(other.file)).ino === found.ino)
        return `${JSON.stringify(other.name)} has the same name here`;
    } catch (error) {
      const code = errorCode(error);
      if (code !== "ENOENT" && NAME_REFUSED.includes(code ?? "")) return fsReason(error);
      if (code !== "ENOENT")
        throw new CliError(`cannot save ${file}: ${fsReason(error) ?? error}`, EXIT.failed);
    }
    return undefined;
  }
}

/** Says which of these names some systems would take for one file. */
export function noteCollisions({ json, terminal }: Cli, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const other = seen.get(folded(name)) ?? name;
    seen.set(folded(name), other);
    if (other !== name && !json)
      terminal.note(`${escaped(other)} and ${escaped(name)} are one file on systems that ignore case`);
  }
}

function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** A name that any file system takes, and that no other path has. */
function safeName(path: string): string {
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 12);
  const extension = /^\.[A-Za-z0-9]{1,10}$/.exec(extname(path))?.[0] ?? "";
  const base = (path.split("/").at(-1) ?? "").slice(0, -extension.length || undefined);
  const plain = base
    .normalize("NFKD")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "_")
    .replace(/^[._-]+/, "");
  return `${plain.slice(0, 60)}~${hash}${extension}`;
}

/** Where a file of this name goes below a folder. What a build names is not trusted to stay there. */
export function resolveInside(path: string, folder: string): string {
  const root = resolve(folder);
  const file = resolve(root, path);
  const inside = relative(root, file);
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || path.includes("\0"))
    throw new CliError(`the path ${JSON.stringify(path)} leads out of ${folder}`, EXIT.failed);
  return file;
}

/** The bytes as they pass, held against what was recorded of them. */
export function verified(
  artifact: Recorded,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, number> {
  return verifiedBytes(
    source,
    artifact,
    (expected, found) =>
      new CliError(`${artifact.path}: expected ${expected}, found ${found}; it was not saved`, EXIT.failed),
  );
}

/** What the disk refuses is named, with the file it was for. */
export async function saving<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = fsReason(error);
    if (reason === undefined) throw error;
    throw new CliError(`cannot save ${file}: ${reason}`, EXIT.failed, { cause: error });
  }
}
