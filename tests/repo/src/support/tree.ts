import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The repository's root folder, absolute. */
export const root = resolve(import.meta.dirname, "../../../..");

/** Paths of the files that belong to the project (tracked, or new and not ignored), relative to the root. */
export function projectFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const files = listed.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
  if (files.length === 0) throw new Error(`expected git to list files in ${root}, found none`);
  return files;
}

/** Paths with one of these endings. */
export function filesEndingIn(...endings: string[]): string[] {
  return projectFiles().filter((path) => endings.some((ending) => path.endsWith(ending)));
}

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The lines that match, each as `path:line: text`: what a failing check prints. */
export function linesMatching(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split("\n")
      .flatMap((line, index) =>
        pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 160)}`] : [],
      ),
  );
}
