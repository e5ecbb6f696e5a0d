import { readdirSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect } from "vitest";
import { type Dashboard, it } from "./browser/dashboard.ts";

const dist = join(import.meta.dirname, "../dist");
const html = readFileSync(join(dist, "index.html"), "utf8");
const parts = [...html.matchAll(/(?:src|href)="\.?\/([^"]+)"/g)].map(([, path]) => path ?? "");
const read = (path: string) => readFileSync(join(dist, path));

let system: Dashboard["system"];
it.beforeAll(async ({ fresh }) => {
  ({ system } = await fresh());
});

/** What comes over the wire, as it comes. */
function fetched(path: string): Promise<{ encoding: string | undefined; bytes: number }> {
  return new Promise((resolve, reject) => {
    const headers = { "accept-encoding": "gzip, deflate, br" };
    get(`${system.url}/${path}`, { headers, agent: false }, (response) => {
      const encoding = response.headers["content-encoding"];
      buffer(response).then((body) => resolve({ encoding, bytes: body.length }), reject);
    }).on("error", reject);
  });
}

it("D9: the first load, as the API sends it, is compressed, and its scripts are at most 200 KB", async () => {
  const texts = ["", ...parts.filter((path) => /\.(js|css|svg)$/.test(path))];
  expect(texts.filter((path) => path.endsWith(".js")).length).toBeGreaterThan(1);
  let scripts = 0;
  for (const path of texts) {
    const { encoding, bytes } = await fetched(path);
    // What is smaller than a packet is not worth packing.
    if (path === "" || read(path).length > 1024) expect(encoding ?? path).toMatch(/^(br|gzip)$/);
    if (path.endsWith(".js")) scripts += bytes;
  }
  expect(scripts).toBeLessThanOrEqual(200 * 1024);
});

it("charts, logs and previews are loaded when they are needed", () => {
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

it("no schema library is part of the page", () => {
  const scripts = readdirSync(join(dist, "assets")).filter((name) => name.endsWith(".js"));
  expect(scripts.length).toBeGreaterThan(5);
  // Words that schemas leave in whatever is built with them.
  const found = scripts.filter((name) => /_zod|invalid_type/.test(read(join("assets", name)).toString()));
  expect(found).toEqual([]);
});

it("nothing of the page is inline", () => {
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
  expect(parts.every((path) => read(path).length > 0)).toBe(true);
});
