import { copyFile, lstat, mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { inspect } from "node:util";
import { type ArtifactContent, StageError } from "@stagefold/pipeline";
import { orNone, placeBelow } from "../../workspace/safe-path.ts";

/** Puts what a stage gave as an artifact at its path below the workspace, if it is not there already. */
export async function placeArtifact(workDir: string, path: string, content: ArtifactContent): Promise<void> {
  // A stage in the worker's own process may be the first to use the folder.
  await mkdir(workDir, { recursive: true });
  const root = await realpath(workDir);
  const target = await placeBelow(root, path);
  if (typeof content === "string" || content instanceof Uint8Array) {
    await requirePlainFile(target, path);
    await writeFile(target, content);
    return;
  }
  if (typeof content?.file !== "string")
    throw new StageError(
      `The artifact ${path} must be a text, bytes or { file }; found ${inspect(content, { depth: 0 })}.`,
    );
  const source = await realpath(resolve(root, content.file));
  if (!(await stat(source)).isFile())
    throw new StageError(`The artifact ${path} must be a file; ${content.file} is not one.`);
  if (source === (await orNone(realpath(target)))) return;
  await requirePlainFile(target, path);
  await copyFile(source, target);
}

async function requirePlainFile(target: string, path: string): Promise<void> {
  const found = await orNone(lstat(target));
  if (found !== undefined && !found.isFile())
    throw new StageError(`The artifact path ${path} is taken by something that is not a plain file.`);
}
