import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { checkPipelines } from "@stagefold/agent-build";
import { afterAll, expect, test } from "vitest";
import { read, type Sample, samples } from "./pages.ts";

// Below this folder, so that imports of packages find what this workspace depends on.
const folder = mkdtempSync(join(import.meta.dirname, "../.samples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const of = (...languages: string[]) => samples.filter(({ language }) => languages.includes(language));
const nameOf = ({ page, line }: Sample) => `${page}:${line}`;

test("every sample in TypeScript compiles", () => {
  const where = new Map<string, Sample>();
  for (const sample of of("ts", "tsx")) {
    const place = sample.page.replaceAll(/[/.]/g, "-");
    mkdirSync(join(folder, place), { recursive: true });
    // Samples of a page import each other by the name of their pipeline.
    const pipeline = /export default definePipeline\(\{\s*name: "([a-z-]+)"/.exec(sample.text)?.[1];
    const file = join(place, `${pipeline ?? `line-${sample.line}`}.${sample.language}`);
    // A line that begins with a brace is a stage, as it stands in a pipeline.
    const text = sample.text.startsWith("{") ? `export const stage = ${sample.text}` : sample.text;
    writeFileSync(join(folder, file), `${text}export {};\n`);
    where.set(file, sample);
  }
  expect(where.size).toBeGreaterThan(10);
  const base = { extends: "../../../tsconfig.base.json", include: ["**/*", "../src/ambient.d.ts"] };
  const options = {
    jsx: "react-jsx",
    module: "esnext",
    moduleResolution: "bundler",
    declaration: false,
    declarationMap: false,
  };
  const lib = ["es2023", "es2024.string", "esnext.disposable", "dom", "dom.iterable"];
  const config = { ...base, compilerOptions: { ...options, lib, noImplicitAny: true } };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  const { stdout } = spawnSync(process.execPath, [compiler, "-p", folder, "--pretty", "false"], {
    cwd: folder,
    encoding: "utf8",
  });
  const faults = stdout.split("\n").map((line) => {
    const found = /^([^(]+)\((\d+),\d+\): (.*)$/.exec(line);
    const sample = where.get(found?.[1] ?? "");
    return sample ? `${sample.page}:${sample.line + Number(found?.[2]) - 1}: ${found?.[3]}` : line;
  });
  expect(faults.filter((line) => line !== "")).toEqual([]);
});

test("every pipeline in YAML is one", async () => {
  const found = of("yaml").filter(({ text }) => /\bstages?:/.test(text));
  expect(found.length).toBeGreaterThan(3);
  const faults: string[] = [];
  for (const [index, sample] of found.entries()) {
    // A list of stages stands for a pipeline with these.
    const whole = sample.text.startsWith("- ")
      ? `name: sample\nstages:\n${sample.text.replaceAll(/^/gm, "  ")}`
      : sample.text;
    const file = join(folder, `sample-${index}.yaml`);
    writeFileSync(file, whole);
    // One by one: pages may use the same name.
    for (const { problems } of await checkPipelines([file]))
      faults.push(...problems.map(({ message }) => `${nameOf(sample)}: ${message}`));
  }
  expect(faults).toEqual([]);
});

test("every sample of JSON is JSON", () => {
  const found = of("json");
  expect(found.length).toBeGreaterThan(0);
  for (const sample of found) expect(() => JSON.parse(sample.text), nameOf(sample)).not.toThrow();
});

test("every sample of Python compiles", (context) => {
  if (spawnSync("python3", ["--version"]).status !== 0) context.skip("there is no python3 on this machine");
  const program = "import ast, json, sys\nfor name, text in json.load(sys.stdin): ast.parse(text, name)";
  const input = JSON.stringify(of("python").map((sample) => [nameOf(sample), sample.text]));
  const { status, stderr } = spawnSync("python3", ["-c", program], { input, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test("every script of npm that a page names is there", () => {
  const scripts = new Set(Object.keys(JSON.parse(read("package.json")).scripts));
  const named = of("sh").flatMap(({ text, page }) =>
    // Pages of packages and the first page speak of the reader's own project.
    /^packages\/|^docs\/index\.md|^examples\//.test(page)
      ? []
      : [...text.matchAll(/^npm (?:run )?(?:-s )?(start|test|[a-z:]+)\b/gm)].map(([, name]) => name ?? ""),
  );
  expect(named.length).toBeGreaterThan(5);
  const npms = ["install", "ci", "run"];
  expect(named.filter((name) => !scripts.has(name) && !npms.includes(name))).toEqual([]);
});
