import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const CORE = resolve(import.meta.dirname, "../../../packages/core/src");

/** From the bottom to the top: a folder imports itself and those before it. */
const LAYERS = [
  "errors.ts",
  "roles.ts",
  "snapshot",
  "patch",
  "agents",
  "ports",
  "legacy",
  "project",
  "commands",
  "item-budget",
  "repository",
  "memory",
  "index.ts",
];
/** Adapters and suites: each has its own lint rule. */
const ADAPTERS = ["dynamodb", "files", "testing"];

const sources = readdirSync(CORE, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !/\.(test|suite|test-d)\.ts$/.test(file))
  .filter((file) => !ADAPTERS.some((folder) => file.startsWith(`${folder}/`)));

const layerOf = (file: string) => file.split("/")[0] ?? "";

/** Every relative import, of types too. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(CORE, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path]) =>
    relative(CORE, resolve(CORE, dirname(file), path ?? "")),
  );
}

test("every folder of the core has its place among the layers", () => {
  expect([...new Set(sources.map(layerOf))].filter((layer) => !LAYERS.includes(layer))).toEqual([]);
});

test("no import in the core goes upwards: move what both need down, or hand it in as an argument", () => {
  const upwards = sources.flatMap((file) =>
    importsOf(file)
      .filter((to) => LAYERS.indexOf(layerOf(to)) > LAYERS.indexOf(layerOf(file)))
      .map((to) => `${file} -> ${to}`),
  );
  expect(upwards).toEqual([]);
});

test("older formats are read through legacy/normalise.ts, legacy/summary.ts and legacy/format.ts alone", () => {
  const inside = sources
    .filter((file) => !file.startsWith("legacy/") && file !== "index.ts")
    .flatMap((file) => importsOf(file).map((to) => ({ file, to })))
    .filter(
      ({ to }) => to.startsWith("legacy/") && !/^legacy\/(normalise|summary|format|index)\.ts$/.test(to),
    );
  expect(inside).toEqual([]);
});

test("no cycles in the core, of types neither", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (path.includes(file) || done.has(file)) return;
    for (const to of importsOf(file)) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
  expect(cycles).toEqual([]);
});

test.each([
  ["projects", /\bstore\.write\(/i, "repository/optimistic-write.ts"],
  ["agents, sessions and turns", /\brecords\.write\(/i, "repository/agents/record-write.ts"],
])("one function writes %s", (_what, call, writer) => {
  const writers = sources.filter((file) => {
    const text = readFileSync(join(CORE, file), "utf8");
    return !file.startsWith("ports/") && call.test(text.replace(/\/\*\*[\s\S]*?\*\/|\/\/.*/g, ""));
  });
  expect(writers).toEqual([writer]);
});
