import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const dist = join(import.meta.dirname, "../dist");
const html = readFileSync(join(dist, "index.html"), "utf8");
const parts = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path ?? "");
const read = (path: string) => readFileSync(join(dist, path));

test("the first load is under 250 KB of JavaScript, compressed", () => {
  const scripts = parts.filter((path) => path.endsWith(".js"));
  expect(scripts.length).toBeGreaterThan(1);
  const bytes = scripts.reduce((sum, path) => sum + gzipSync(read(path)).length, 0);
  expect(bytes).toBeLessThan(250 * 1024);
});

test("charts, logs and previews are loaded when they are needed", () => {
  const first = parts.filter((path) => path.endsWith(".js")).map((path) => read(path).toString());
  const later = readdirSync(join(dist, "assets"))
    .filter((name) => name.endsWith(".js") && !parts.includes(`assets/${name}`))
    .map((name) => read(join("assets", name)).toString());
  // Words that only these parts have.
  for (const word of ["recharts", "hljs"]) {
    expect(
      first.some((text) => text.includes(word)),
      word,
    ).toBe(false);
    expect(
      later.some((text) => text.includes(word)),
      word,
    ).toBe(true);
  }
});

test("nothing of the page is inline", () => {
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
  expect(parts.every((path) => read(path).length > 0)).toBe(true);
});
