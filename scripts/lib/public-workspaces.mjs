import { readWorkspaces } from "./workspaces.mjs";

/** @typedef {import("./workspaces.mjs").Workspace} Workspace */

/**
 * The workspaces that are published: those that are not private.
 * Throws an Error when one of them needs a workspace at run time that is private: it could not be installed.
 * @param {Workspace[]} workspaces
 */
export function publicWorkspaces(workspaces = readWorkspaces()) {
  const found = workspaces.filter(({ manifest }) => manifest.private !== true);
  const names = new Set(found.map(({ manifest }) => manifest.name));
  for (const { dir, manifest } of found)
    for (const [name, range] of Object.entries({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.peerDependencies,
    }))
      if (range.startsWith("workspace:") && !names.has(name))
        throw new Error(
          `${dir}/package.json: ${manifest.name} is published and needs ${name}, which is private; ` +
            `remove "private" there, and give it a description and "files"`,
        );
  return found;
}

/**
 * The same workspaces, those that others need first: what is published can be installed at once.
 * @param {readonly Workspace[]} workspaces
 * @returns {Workspace[]}
 */
export function inOrder(workspaces) {
  /** @type {Set<Workspace>} */
  const ordered = new Set();
  /** @param {Workspace} workspace */
  const add = (workspace) => {
    for (const name of Object.keys(workspace.manifest.dependencies ?? {})) {
      const needed = workspaces.find(({ manifest }) => manifest.name === name);
      if (needed && !ordered.has(needed)) add(needed);
    }
    ordered.add(workspace);
  };
  for (const workspace of workspaces) add(workspace);
  return [...ordered];
}

/**
 * Why these cannot be released as they are, as a sentence; undefined where they can.
 * @param {readonly Workspace[]} workspaces
 * @param {string} changes the text of CHANGELOG.md
 * @param {string} status what `git status --porcelain` prints
 */
export function releaseProblem(workspaces, changes, status) {
  if (status !== "") return "expected a working tree without changes";
  const versions = [...new Set(workspaces.map(({ manifest }) => manifest.version))];
  const [version] = versions;
  if (versions.length !== 1) return `expected one version of all packages, found ${versions.join(", ")}`;
  const heading = changes.split("\n").find((line) => line.startsWith("## ")) ?? "no section";
  const isDated = heading.startsWith(`## ${version} (`) && /\(\d{4}-\d{2}-\d{2}\)$/.test(heading);
  return isDated
    ? undefined
    : `CHANGELOG.md: expected "## ${version} (YYYY-MM-DD)" first, found "${heading}"`;
}
