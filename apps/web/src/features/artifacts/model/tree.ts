import type { Artifact } from "./artifact.ts";

/** A folder of the tree, with what is in it; `name` has several parts where folders hold nothing but one folder. */
export interface Folder {
  readonly kind: "folder";
  readonly name: string;
  /** From the root, without a slash at the end. */
  readonly path: string;
  readonly children: readonly Entry[];
  /** Files in it and below. */
  readonly files: number;
}

export interface File {
  readonly kind: "file";
  readonly name: string;
  readonly artifact: Artifact;
}

export type Entry = Folder | File;

interface Growing {
  readonly folders: Map<string, Growing>;
  readonly files: File[];
}

/** The artifacts one after another, in their order. */
export function filesOf(artifacts: readonly Artifact[]): File[] {
  return artifacts.map((artifact) => ({ kind: "file", name: artifact.path, artifact }));
}

/** The artifacts by folder: folders first, each by name. */
export function treeOf(artifacts: readonly Artifact[]): Entry[] {
  const root: Growing = { folders: new Map(), files: [] };
  for (const artifact of artifacts) {
    const parts = artifact.path.split("/");
    const name = parts.pop() ?? artifact.path;
    let at = root;
    for (const part of parts) {
      const next = at.folders.get(part) ?? { folders: new Map(), files: [] };
      at.folders.set(part, next);
      at = next;
    }
    at.files.push({ kind: "file", name, artifact });
  }
  return entriesOf(root, "");
}

function entriesOf({ folders, files }: Growing, above: string): Entry[] {
  const inner = [...folders].map(([name, folder]) => folderOf(name, folder, above));
  return [...inner.sort(byName), ...[...files].sort(byName)];
}

function folderOf(name: string, growing: Growing, above: string): Folder {
  const path = above === "" ? name : `${above}/${name}`;
  const only = growing.files.length === 0 && growing.folders.size === 1 ? [...growing.folders][0] : undefined;
  if (only) {
    const inner = folderOf(only[0], only[1], path);
    return { ...inner, name: `${name}/${inner.name}` };
  }
  const children = entriesOf(growing, path);
  const files = children.reduce((sum, child) => sum + (child.kind === "file" ? 1 : child.files), 0);
  return { kind: "folder", name, path, children, files };
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name.localeCompare(other.name, "en", { numeric: true });
}

/** Those whose path has the text, in whatever case. */
export function matching(artifacts: readonly Artifact[], text: string): readonly Artifact[] {
  const wanted = text.trim().toLowerCase();
  return wanted === "" ? artifacts : artifacts.filter(({ path }) => path.toLowerCase().includes(wanted));
}

/** The paths that more than one stage has made. */
export function pathsOfSeveral(artifacts: readonly Artifact[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const several = new Set<string>();
  for (const { path } of artifacts) {
    if (seen.has(path)) several.add(path);
    seen.add(path);
  }
  return several;
}

/** A row of the tree as it is shown; `depth` is 0 at the top. */
export interface Row {
  readonly entry: Entry;
  readonly depth: number;
  /** Of folders. */
  readonly open: boolean;
}

/** So many files of a folder are shown without being asked for. */
const FEW = 200;

/** The rows that are shown; `turned` has the paths of the folders that are not as they were at first. */
export function rowsOf(entries: readonly Entry[], turned: ReadonlySet<string>, depth = 0): Row[] {
  return entries.flatMap((entry) => {
    if (entry.kind === "file") return [{ entry, depth, open: false }];
    const open = entry.files <= FEW !== turned.has(entry.path);
    const row = { entry, depth, open };
    return open ? [row, ...rowsOf(entry.children, turned, depth + 1)] : [row];
  });
}
