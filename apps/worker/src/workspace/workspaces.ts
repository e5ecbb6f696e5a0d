import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, realpath, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  type ArtifactStore,
  isStagefoldError,
  type Project,
  projectIdSchema,
  type Repository,
  type Stage,
} from "@stagefold/core";
import { errorCode } from "@stagefold/node-files";
import type { Logger } from "pino";
import { z } from "zod";
import { orNone, placeBelow } from "./safe-path.ts";

/** Which attempt of each finished stage a folder has the files of. */
const contentsSchema = z.object({ stages: z.record(z.string(), z.number().int()) });
const noteSchema = z.preprocess(fromJson, contentsSchema);
type Contents = z.output<typeof contentsSchema>;

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The work workspaces of builds, `<root>/<project_id>`, shared by the stages of a build. Beside each is a note
 * (`<project_id>.json`) of what it has, so that a worker restores what stages made elsewhere, and only that.
 * A folder goes when its build completes or is deleted; one of a build that failed or was cancelled stays for a day,
 * since a retry may want it.
 */
export class Workspaces {
  readonly #root: string;
  readonly #store: ArtifactStore;
  readonly #repository: Repository;
  readonly #log: Logger;

  constructor(root: string, store: ArtifactStore, repository: Repository, log: Logger) {
    this.#root = root;
    this.#store = store;
    this.#repository = repository;
    this.#log = log;
  }

  /** The folder of a build, with the recorded artifacts of the stages before `position`. */
  async prepare(project: Project, position: number): Promise<string> {
    const folder = join(this.#root, project.project_id);
    const isNew = await makeFolder(folder);
    const made = project.stages_snapshot.stages
      .slice(0, position)
      .filter((one) => one.status === "completed" && madeFiles(one));
    if (made.length === 0) return folder;
    const contents = isNew ? { stages: {} } : await this.#contents(project.project_id);
    const missing = made.filter((one) => contents.stages[one.stage] !== one.attempt);
    for (const stage of missing) await this.#restore(project, stage, folder);
    if (missing.length > 0) await this.#note(project.project_id, contents, missing);
    return folder;
  }

  /** Notes that a folder has what a stage, as its end was written, made. */
  async finished(projectId: string, stage: Stage): Promise<void> {
    if (!madeFiles(stage)) return;
    await this.#note(projectId, await this.#contents(projectId), [stage]);
  }

  async remove(projectId: string): Promise<void> {
    await rm(this.#notePath(projectId), { force: true });
    await removeFolder(join(this.#root, projectId));
  }

  /** Removes the workspaces of builds that ended, or of which nothing is known, more than a day ago. */
  async sweep(isHeld: (projectId: string) => boolean, now = Date.now()): Promise<void> {
    const names = (await orNone(readdir(this.#root))) ?? [];
    for (const name of names) {
      if (!projectIdSchema.safeParse(name).success || isHeld(name)) continue;
      if (await this.#isOver(name, now)) await this.remove(name);
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
    for (const { path, attempt, sha256 } of await this.#repository.artifactsOf(project, stage.stage)) {
      // A large output was never in the folder: it is an artifact only because the item is small.
      if (path === stage.output_ref) continue;
      const found = await this.#store.get({ project_id, stage: stage.stage, attempt, path });
      if (!found) {
        // Without a hash it may well be one that is kept elsewhere.
        const level = sha256 === undefined ? "info" : "error";
        this.#log[level](
          { project: project_id, stage: stage.stage, path },
          "a recorded artifact has no bytes to restore",
        );
        continue;
      }
      const target = await placeBelow(root, path);
      await rm(target, { force: true });
      await pipeline(found.stream, createWriteStream(target));
    }
  }

  async #contents(projectId: string): Promise<Contents> {
    const text = await orNone(readFile(this.#notePath(projectId), "utf8"));
    if (text === undefined) return { stages: {} };
    const parsed = noteSchema.safeParse(text);
    if (parsed.success) return parsed.data;
    this.#log.warn({ project: projectId }, "the note of a workspace is damaged: its artifacts are restored");
    return { stages: {} };
  }

  async #note(projectId: string, before: Contents, stages: readonly Stage[]): Promise<void> {
    const added = Object.fromEntries(stages.map((one) => [one.stage, one.attempt]));
    const path = this.#notePath(projectId);
    await writeFile(`${path}.new`, JSON.stringify({ stages: { ...before.stages, ...added } }));
    await rename(`${path}.new`, path);
  }

  #notePath(projectId: string): string {
    return join(this.#root, `${projectId}.json`);
  }
}

/** False when it was there already. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return (await mkdir(path, { recursive: true })) !== undefined;
    // What is there instead of a folder is not overlooked.
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return false;
    throw error;
  }
}

/** Most builds leave nothing behind: one step is enough for them. */
async function removeFolder(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Whether a stage stored files: what is kept elsewhere has no hash of ours. */
function madeFiles(stage: Stage): boolean {
  const { artifact_info } = stage.output_data;
  return (
    stage.artifact_manifest !== undefined ||
    Object.values(artifact_info).some((info) => info.sha256 !== undefined)
  );
}

/** Undefined for text that is not JSON: what a crash may leave of a note. */
function fromJson(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
