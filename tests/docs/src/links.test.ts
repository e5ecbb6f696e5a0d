import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ERROR_CODES, FAILURE_CODES, TURN_ERROR_CODES } from "@stagefold/core";
import { expect, test } from "vitest";
import { pages, read, root, samplesOf } from "./pages.ts";

/** Pages that `docs/.vitepress/reference.mjs` makes when the site is built. */
const MADE = new Set(["docs/reference/rest.md", "docs/reference/cli.md"]);

/** As browsers and GitHub name a heading: lower case, blanks as dashes, without punctuation. */
const anchorOf = (heading: string) =>
  heading
    .replaceAll(/[`*_]|\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");

/** The text of a page without its samples. */
function prose(page: string): string {
  return samplesOf(page).reduce((text, sample) => text.replace(sample.text, "\n"), read(page));
}

test("every link of every page leads to a file, and to a heading of it", () => {
  const dead: string[] = [];
  let links = 0;
  for (const page of pages)
    for (const [, target = ""] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      links++;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : normalize(join(dirname(page), path));
      if (MADE.has(file)) continue;
      if (!existsSync(join(root, file))) dead.push(`${page}: ${target}`);
      else if (anchor !== undefined && file.endsWith(".md")) {
        const headings = [...prose(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
          anchorOf(heading),
        );
        if (!headings.includes(anchor)) dead.push(`${page}: ${target} (no such heading)`);
      }
    }
  expect(dead).toEqual([]);
  expect(links).toBeGreaterThan(50);
});

test("the page of errors has every code", () => {
  const page = read("docs/reference/errors.md");
  const sections = page.split("\n## ");
  for (const [index, codes] of [ERROR_CODES, FAILURE_CODES, TURN_ERROR_CODES].entries())
    expect(codes.filter((code) => !sections[index]?.includes(`| \`${code}\``))).toEqual([]);
});

test("every page of docs is in the site's navigation", () => {
  const config = read("docs/.vitepress/config.mjs");
  const missing = pages
    .filter((page) => page.startsWith("docs/"))
    .map((page) => page.replace(/^docs/, "").replace(/(index)?\.md$/, ""))
    .filter((address) => !config.includes(`"${address}"`));
  expect(missing).toEqual([]);
});
