import { readWorkspaces } from "./workspaces.mjs";

/**
 * The workspaces that are published: those that are not private.
 * Throws an Error when one of them needs a workspace at run time that is private: it could not be installed.
 * @param {import("./workspaces.mjs").Workspace[]} workspaces
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
