// Long because: a build's folder is made, filled, restored and removed in one place.
import { createWriteStream } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
} from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  type AgentVersion,
  type Artifact,
  type ArtifactStore,
  allNeedsOf,
  isStagefoldError,
  type Project,
  permissionsOf,
  projectIdSchema,
  type Repository,
  type Stage,
} from "@stagefold/core";
import { errorCode, verifiedBytes, writeFileAtomic } from "@stagefold/node-files";
import type { Logger } from "pino";
import { z } from "zod";
import { orNone, requireSafePath } from "./safe-path.ts";

/** Which attempt of each finished stage a folder has the files of. */
const contentsSchema = z.object({ stages: z.record(z.string(), z.number().int()) });
const manifestSchema = z.preprocess(fromJson, contentsSchema);
type Contents = z.output<typeof contentsSchema>;

/** Where a build finds the version of its agent that it is to change. */
const CURRENT_FOLDER = ".current";

/** For the worker's user alone, with all rights. */
const FOLDER_MODE = 0o700;
const WRITABLE = 0o700;
/** Files that are restored at the same time. */
const RESTORES_AT_ONCE = 8;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The workspaces of builds, `<root>/<project_id>`, shared by the stages of a build. Beside each is a manifest
 * (`<project_id>.json`) of what it has, so that a worker restores what stages made elsewhere, and only that.
 * A folder goes when its build completes or is deleted; one of a build that failed or was cancelled stays for a day,
 * since a retry may want it.
 */
export class Workspaces {
  readonly #root: string;
  readonly #store: ArtifactStore;
  readonly #repository: Repository;
  readonly #log: Logger;
  /** By build, what the last of its stages does with their folder: those that run at once wait for each other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(root: string, store: ArtifactStore, repository: Repository, log: Logger) {
    this.#root = root;
    this.#store = store;
    this.#repository = repository;
    this.#log = log;
  }

  /**
   * The folder of a build, with the recorded artifacts of the stages that the one at `position` needs. It is made here and
   * not in the runner: a disk that refuses it is this worker's trouble, and no failure of the stage.
   */
  prepare(project: Project, position: number): Promise<string> {
    return this.#inTurn(project.project_id, () => this.#prepare(project, position));
  }

  async #prepare(project: Project, position: number): Promise<string> {
    const folder = join(this.#root, project.project_id);
    const { stages } = project.stages_snapshot;
    const needed = allNeedsOf(stages, position);
    const made = stages.filter((one, i) => needed.has(i) && one.status === "completed" && madeFiles(one));
    const isNew = await makeWorkspace(folder);
    if (made.length === 0) return folder;
    const contents = isNew ? { stages: {} } : await this.#contents(project.project_id);
    const missing = made.filter((one) => contents.stages[one.stage] !== one.attempt);
    for (const stage of missing) await this.#restore(project, stage, folder);
    if (missing.length > 0) await this.#record(project.project_id, contents, missing);
    return folder;
  }

  /**
   * Puts what the build of another version of its agent made into the folder `.current` of a build, unless it is there.
   * What cannot be found any more is left out: then the build makes the agent anew.
   */
  prepareCurrent(project: Project, version: AgentVersion): Promise<void> {
    return this.#inTurn(project.project_id, () => this.#prepareCurrent(project, version));
  }

  async #prepareCurrent(project: Project, version: AgentVersion): Promise<void> {
    const folder = join(this.#root, project.project_id, CURRENT_FOLDER);
    if ((await orNone(stat(folder))) !== undefined) return;
    try {
      const made = await this.#repository.get(version.project_id);
      const fresh = `${folder}.new`;
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh, { recursive: true, mode: FOLDER_MODE });
      for (const stage of made.stages_snapshot.stages) await this.#restore(made, stage, fresh);
      await rename(fresh, folder);
    } catch (error) {
      if (!isStagefoldError(error, "PROJECT_NOT_FOUND")) throw error;
      const about = { project: project.project_id, version: version.version };
      this.#log.warn(about, "the build of the version to change is gone: the agent is made anew");
    }
  }

  /** Records in the manifest that a folder has what a stage, as its end was written, made. */
  async finished(projectId: string, stage: Stage): Promise<void> {
    if (!madeFiles(stage)) return;
    await this.#inTurn(projectId, async () =>
      this.#record(projectId, await this.#contents(projectId), [stage]),
    );
  }

  async #inTurn<T>(projectId: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#turns.get(projectId) ?? Promise.resolve()).then(work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(projectId, settled);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(projectId) === settled) this.#turns.delete(projectId);
    }
  }

  async remove(projectId: string): Promise<void> {
    await orNone(unlink(this.#manifestPath(projectId)));
    await removeFolder(join(this.#root, projectId));
  }

  /** Removes the workspaces of builds that ended, or of which nothing is known, more than a day ago. */
  async sweep(isHeld: (projectId: string) => boolean, now = Date.now()): Promise<void> {
    const names = (await orNone(readdir(this.#root))) ?? [];
    for (const name of names) {
      if (!projectIdSchema.safeParse(name).success || isHeld(name)) continue;
      try {
        if (await this.#isOver(name, now)) await this.remove(name);
      } catch (error) {
        // One that cannot be removed does not keep those behind it.
        this.#log.warn({ err: error, project: name }, "the workspace of an ended build could not be removed");
      }
    }
  }

  async #isOver(projectId: string, now: number): Promise<boolean> {
    const changed = await orNone(stat(join(this.#root, projectId)));
    if (changed === undefined || now - changed.mtimeMs < DAY_MS) return false;
    try {
      const project = await this.#repository.get(projectId);
      const ended =
        project.status === "completed" || project.status === "failed" || project.status === "cancelled";
      return ended && now - Date.parse(project.updated_at) > DAY_MS;
    } catch (error) {
      if (isStagefoldError(error, "PROJECT_NOT_FOUND")) return true;
      throw error;
    }
  }

  async #restore(project: Project, stage: Stage, folder: string): Promise<void> {
    const root = await realpath(folder);
    const { project_id } = project;
    const entries = (await this.#repository.artifactsOf(project, stage.stage)).values();
    const work = async () => {
      for (const entry of entries) {
        const { path, attempt, sha256 } = entry;
        // A large output was never in the folder: it is an artifact only because the item is small.
        if (path === stage.output_ref) continue;
        const found = await this.#store.get({ project_id, stage: stage.stage, attempt, path });
        if (found) await putFile(root, entry, found.stream);
        else {
          // Without a hash it may well be one that is kept elsewhere.
          const level = sha256 === undefined ? "info" : "error";
          this.#log[level](
            { project: project_id, stage: stage.stage, path },
            "a recorded artifact has no bytes to restore",
          );
        }
      }
    };
    await Promise.all(Array.from({ length: RESTORES_AT_ONCE }, work));
  }

  async #contents(projectId: string): Promise<Contents> {
    const text = await orNone(readFile(this.#manifestPath(projectId), "utf8"));
    if (text === undefined) return { stages: {} };
    const parsed = manifestSchema.safeParse(text);
    if (parsed.success) return parsed.data;
    this.#log.warn(
      { project: projectId },
      "the manifest of a workspace is damaged: its artifacts are restored",
    );
    return { stages: {} };
  }

  async #record(projectId: string, before: Contents, stages: readonly Stage[]): Promise<void> {
    const added = Object.fromEntries(stages.map((one) => [one.stage, one.attempt]));
    const path = this.#manifestPath(projectId);
    await writeFileAtomic(path, JSON.stringify({ stages: { ...before.stages, ...added } }));
  }

  #manifestPath(projectId: string): string {
    return join(this.#root, `${projectId}.json`);
  }
}

/** Whether it was not there. Without `makeFolder`'s syncs: what a loss of power takes from it is restored. */
async function makeWorkspace(folder: string): Promise<boolean> {
  try {
    return (await mkdir(folder, { recursive: true, mode: FOLDER_MODE })) !== undefined;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    // The build's own doing, at which no worker is to back off.
    throw new Error("A stage has put something else in the place of its build's folder.", { cause: error });
  }
}

/** Most builds leave nothing behind: one step is enough for them. */
async function removeFolder(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return;
    // A link, or a file, where the folder should be.
    if (code !== "ENOTDIR") await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A stage may have taken the right to write from its own folders: nothing in them could be removed. */
async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, FOLDER_MODE);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
}

/** A file of an earlier stage, in place of whatever a stage has put there since. */
async function putFile(root: string, entry: Artifact, content: AsyncIterable<Uint8Array>): Promise<void> {
  const { path, stage } = entry;
  const mode = permissionsOf(entry);
  const target = await freePlace(root, path);
  // A stage that gets other bytes than those that were recorded makes something wrong of them.
  const bytes = verifiedBytes(content, entry, (expected, found) => {
    return new Error(`The artifact ${path} of ${stage} is damaged: expected ${expected}, found ${found}.`);
  });
  await pipeline(bytes, createWriteStream(target, { flags: "wx", mode }));
  // The umask has its say in what a file is made with.
  await chmod(target, mode);
}

/** Where a path lies below `root`, with real folders on the way and nothing at its end. */
async function freePlace(root: string, path: string): Promise<string> {
  requireSafePath(path);
  const parts = path.split("/");
  let at = root;
  for (const part of parts.slice(0, -1)) {
    at = join(at, part);
    const found = await orNone(lstat(at));
    if (found?.isDirectory() === true) {
      // A stage may have taken the right to write.
      if ((found.mode & WRITABLE) !== WRITABLE) await chmod(at, FOLDER_MODE);
      continue;
    }
    if (found !== undefined) await rm(at, { force: true });
    await mkdir(at, { recursive: true });
  }
  const target = join(root, path);
  const found = await orNone(lstat(target));
  if (found?.isDirectory() === true) await removeFolder(target);
  else if (found !== undefined) await rm(target, { force: true });
  return target;
}

/** Whether a stage stored files: what is kept elsewhere has no hash of ours. */
function madeFiles(stage: Stage): boolean {
  const { artifact_info } = stage.output_data;
  return (
    stage.artifact_manifest !== undefined ||
    Object.values(artifact_info).some((info) => info.sha256 !== undefined)
  );
}

/** Undefined for text that is not JSON: what a crash may leave of a manifest. */
function fromJson(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
