import { mkdir, realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { isSafePath, LIMITS, RESERVED_FOLDER, utf8Bytes } from "@stagefold/core";
import { errorCode } from "@stagefold/node-files";

/** A path that is no artifact's, or that leads out of the workspace. */
export class ArtifactPathError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ArtifactPathError";
  }
}

export function requireSafePath(path: string): void {
  if (typeof path === "string" && path !== "" && isSafePath(path) && utf8Bytes(path) <= LIMITS.artifactPath) {
    if (!path.startsWith(RESERVED_FOLDER)) return;
    throw new ArtifactPathError(`The folder ${RESERVED_FOLDER} is the platform's own; found ${path}.`);
  }
  throw new ArtifactPathError(
    `An artifact needs a relative path with / between its parts, such as docs/plan.json; found ${JSON.stringify(path)}.`,
  );
}

/**
 * Where a path lies below a folder, with the workspaces on the way made. `root` must be a real path.
 * Throws an ArtifactPathError when a link on the way leads out of it.
 */
export async function placeBelow(root: string, path: string): Promise<string> {
  requireSafePath(path);
  const target = join(root, path);
  let existing = dirname(target);
  let real = await orNone(realpath(existing));
  while (real === undefined) {
    existing = dirname(existing);
    real = await orNone(realpath(existing));
  }
  if (!isBelow(root, real)) throw leadsOut(path);
  await mkdir(dirname(target), { recursive: true });
  return target;
}

/** Where a file below a folder really is. Throws an ArtifactPathError when that is outside. */
export async function findBelow(root: string, path: string): Promise<string> {
  requireSafePath(path);
  const real = await realpath(join(root, path));
  if (!isBelow(root, real)) throw leadsOut(path);
  return real;
}

/** Undefined for what is not there. */
export async function orNone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

export function isBelow(root: string, real: string): boolean {
  return real === root || real.startsWith(root + sep);
}

function leadsOut(path: string): ArtifactPathError {
  return new ArtifactPathError(`The path ${path} leads out of the workspace through a link.`);
}
