import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The repository's root folder, absolute. */
export const root = resolve(import.meta.dirname, "../../..");

/** The Markdown files of the project, relative to the root. */
export const pages: readonly string[] = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
  { cwd: root, encoding: "utf8" },
)
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));

export const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** A block of code of a page. */
export interface Sample {
  readonly page: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
  /** As written behind the fence, such as `ts`. */
  readonly language: string;
  readonly text: string;
}

/** All blocks of code of a page. One that stands in a list is indented: that much is taken off. */
export function samplesOf(page: string): Sample[] {
  const samples: Sample[] = [];
  const lines = read(page).split("\n");
  let open: { language: string; line: number; indent: number } | undefined;
  lines.forEach((text, index) => {
    const fence = /^( *)```(\w*)/.exec(text);
    if (!fence) return;
    if (!open) {
      open = { language: fence[2] ?? "", line: index + 2, indent: fence[1]?.length ?? 0 };
      return;
    }
    const { language, line, indent } = open;
    const body = lines.slice(line - 1, index).map((one) => one.slice(indent));
    samples.push({ page, line, language, text: `${body.join("\n")}\n` });
    open = undefined;
  });
  return samples;
}

export const samples: readonly Sample[] = pages.flatMap(samplesOf);
