import { createHash } from "node:crypto";
import { mkdir, readdir, realpath, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type AgentVersion, type ArtifactStore, isSafePath } from "@stagefold/core";
import { errorCode, makeWholeFolder } from "@stagefold/node-files";

export type VersionFile = NonNullable<AgentVersion["files"]>[number];

/** Why a version cannot be run, as a sentence for people. */
export class VersionError extends Error {
  override readonly name = "VersionError";
}

/** Bytes of all files of a version. */
const MAX_BYTES = 200 * 1024 * 1024;
/** Prepared folders that are kept; of more the ones that were not used for longest are removed. */
const MAX_KEPT = 64;
/** A folder that was used so lately is not removed: a turn may run in it. Milliseconds; longer than any turn. */
const IN_USE_MS = 6 * 60 * 60 * 1000;

/** The files of versions on this disk, read-only, a folder each. What is prepared once is used by all turns after it. */
export class VersionFolders {
  readonly #root: string;
  readonly #artifacts: ArtifactStore;
  readonly #filesOf: (version: AgentVersion) => Promise<readonly VersionFile[]>;
  readonly #preparing = new Map<string, Promise<string>>();

  constructor(
    root: string,
    artifacts: ArtifactStore,
    filesOf: (version: AgentVersion) => Promise<readonly VersionFile[]>,
  ) {
    this.#root = root;
    this.#artifacts = artifacts;
    this.#filesOf = filesOf;
  }

  /** The real path of the version's folder. Errors: VersionError; the store's own. */
  async prepare(version: AgentVersion): Promise<string> {
    if (version.files_gone) throw new VersionError("The files of this version were deleted with its build.");
    const listed = version.files ?? (await this.#filesOf(version));
    // A path that several stages list is the last one's.
    const files = [...new Map(listed.map((file) => [file.path, file])).values()].map(
      ({ path, stage, attempt }) => ({ path, stage, attempt }),
    );
    const key = createHash("sha256")
      .update(JSON.stringify([version.project_id, version.run, version.entry, version.sha256 ?? null, files]))
      .digest("hex");
    const running = this.#preparing.get(key) ?? this.#prepare(key, version, files);
    this.#preparing.set(key, running);
    try {
      return await running;
    } finally {
      this.#preparing.delete(key);
    }
  }

  async #prepare(key: string, version: AgentVersion, files: readonly VersionFile[]): Promise<string> {
    const folder = join(this.#root, key);
    const now = new Date();
    try {
      await utimes(folder, now, now);
      return await realpath(folder);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    await makeWholeFolder(folder, (fresh) => this.#fill(fresh, version, files));
    await this.#prune();
    return await realpath(folder);
  }

  async #fill(folder: string, version: AgentVersion, files: readonly VersionFile[]): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let left = MAX_BYTES;
    let hasEntry = false;
    for (const { path, stage, attempt } of files) {
      if (!isSafePath(path)) throw new VersionError(`The agent's file has the path ${path}, which is none.`);
      const target = join(folder, path);
      const found = await this.#artifacts.get({ project_id: version.project_id, stage, attempt, path });
      if (found === undefined) throw new VersionError(`The agent's file ${path} is missing.`);
      const blocks: Uint8Array[] = [];
      for await (const block of found.stream) {
        left -= block.byteLength;
        if (left < 0) throw new VersionError(`The agent's files have more than ${MAX_BYTES} bytes.`);
        blocks.push(block);
      }
      const bytes = Buffer.concat(blocks);
      if (path === version.entry) {
        hasEntry = true;
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        if (version.sha256 !== undefined && version.sha256 !== sha256)
          throw new VersionError("The agent's entry is not the one that was published.");
      }
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await writeFile(target, bytes, { mode: 0o400 });
    }
    if (!hasEntry) throw new VersionError(`The agent's entry ${version.entry} is missing.`);
  }

  async #prune(): Promise<void> {
    const names = (await readdir(this.#root)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    if (names.length <= MAX_KEPT) return;
    const used = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#root, name);
        return { path, at: (await stat(path).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY };
      }),
    );
    const oldest = used.sort((a, b) => a.at - b.at).slice(0, names.length - MAX_KEPT);
    for (const { path, at } of oldest)
      if (at < Date.now() - IN_USE_MS) await rm(path, { recursive: true, force: true });
  }
}
