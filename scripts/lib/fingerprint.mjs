import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pinnedPnpm, readWorkspaces, root } from "./workspaces.mjs";

// Never part of what is built: outputs, installed code, tests, notes.
const ignoredFolders = new Set(["node_modules", "dist", ".turbo", ".stagefold", "coverage"]);
const ignoredFiles = /\.(test|test-d)\.[cm]?tsx?$|^vitest\.config\.|^(README|CHANGELOG)\.md$|^\.DS_Store$/;
const rootBuildFiles = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "turbo.json"];

/** @typedef {import("./workspaces.mjs").Workspace} Workspace */

/**
 * What an installation depends on, by content: lockfile, settings, every manifest, and the Node it is for.
 * @param {Workspace[]} [workspaces]
 */
export function installFingerprint(workspaces = readWorkspaces()) {
  const hash = createHash("sha256");
  const nodeMajor = process.versions.node.split(".")[0];
  hash.update(JSON.stringify([root, process.platform, process.arch, nodeMajor, pinnedPnpm()]));
  const manifests = workspaces.map(({ dir }) => join(dir, "package.json"));
  for (const path of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ...manifests]) {
    const content = existsSync(join(root, path)) ? readFileSync(join(root, path)) : "absent";
    hash.update(`\n${path}\n`).update(content);
  }
  return hash.digest("hex");
}

/** Whether every workspace has the folder of its dependencies; a deleted one means installing again. */
export function modulesPresent(workspaces = readWorkspaces()) {
  return workspaces.every(({ dir, manifest }) => {
    const needed = { ...manifest.dependencies, ...manifest.devDependencies };
    return Object.keys(needed).length === 0 || existsSync(join(root, dir, "node_modules"));
  });
}

/**
 * What a build depends on, by path, size and time: cheap enough to run at every start. A changed time
 * with the same content only costs a look by turbo, which compares contents.
 */
export function sourceFingerprint(workspaces = readWorkspaces()) {
  const lines = rootBuildFiles.map((path) => describe(path));
  for (const { dir } of workspaces.filter(({ dir }) => dir !== "." && !dir.startsWith("tests/")))
    walk(dir, lines, true);
  return digest(lines);
}

/** What the build made, or undefined when a workspace that builds has made nothing. */
export function outputFingerprint(workspaces = readWorkspaces()) {
  /** @type {string[]} */
  const lines = [];
  for (const { dir, manifest } of workspaces) {
    if (dir === "." || !manifest.scripts?.build) continue;
    const before = lines.length;
    if (existsSync(join(root, dir, "dist"))) walk(`${dir}/dist`, lines, false);
    if (lines.length === before) return undefined;
  }
  return digest(lines);
}

/** @param {string} folder @param {string[]} lines @param {boolean} sourcesOnly */
function walk(folder, lines, sourcesOnly) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!sourcesOnly || !ignoredFolders.has(entry.name)) walk(path, lines, sourcesOnly);
    } else if (!sourcesOnly || !ignoredFiles.test(entry.name)) {
      lines.push(describe(path));
    }
  }
}

/** @param {string} path */
function describe(path) {
  const stat = statSync(join(root, path), { throwIfNoEntry: false });
  return stat ? `${path} ${stat.size} ${stat.mtimeMs}` : `${path} absent`;
}

/** @param {string[]} lines */
function digest(lines) {
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}
