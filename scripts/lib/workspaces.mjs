import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder, absolute. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * @typedef {{ dir: string, manifest: { name: string, version?: string, packageManager?: string, scripts?: Record<string, string>,
 *   private?: boolean, dependencies?: Record<string, string>, devDependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string>, optionalDependencies?: Record<string, string> } }} Workspace
 * `dir` is relative to the root, with forward slashes; "." is the root itself.
 */

/**
 * The root and every workspace, sorted by folder.
 * @returns {Workspace[]}
 */
export function readWorkspaces() {
  const dirs = workspaceParents().flatMap((parent) =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(root, parent, entry.name, "package.json")))
      .map((entry) => `${parent}/${entry.name}`),
  );
  return [".", ...[...dirs, ...singleWorkspaces()].sort()].map((dir) => ({
    dir,
    manifest: readManifest(dir),
  }));
}

/** The pnpm version that the repository pins in `packageManager`. */
export function pinnedPnpm() {
  const { packageManager } = readManifest(".");
  const match = /^pnpm@(\d+\.\d+\.\d+)/.exec(packageManager ?? "");
  if (!match) {
    throw new Error(`package.json: expected packageManager "pnpm@<version>", found ${packageManager}`);
  }
  return match[1];
}

/** Folders that hold workspaces, read from pnpm-workspace.yaml (`- apps/*` means `apps`), where they exist. */
function workspaceParents() {
  const text = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  const parents = [...text.matchAll(/^\s*-\s+["']?([\w-]+)\/\*["']?\s*$/gm)].map((match) => String(match[1]));
  if (parents.length === 0)
    throw new Error('pnpm-workspace.yaml: expected entries such as "- apps/*", found none');
  return parents.filter((parent) => existsSync(join(root, parent)));
}

/** Workspaces that pnpm-workspace.yaml names by themselves (`- bench`). */
function singleWorkspaces() {
  const text = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  const names = [...text.matchAll(/^\s*-\s+["']?([\w-]+)["']?\s*$/gm)].map((match) => String(match[1]));
  // Lists of packages look the same; a folder with a manifest is none.
  return names.filter((name) => existsSync(join(root, name, "package.json")));
}

/** @param {string} dir @returns {Workspace["manifest"]} */
function readManifest(dir) {
  const path = join(root, dir, "package.json");
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path}: expected readable JSON: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
