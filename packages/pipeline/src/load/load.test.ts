import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createModuleLoader,
  definePipeline,
  loadPipelines as load,
  type Pipeline,
  type PipelineError,
  pipelinesFromModule,
  StageError,
} from "../index.ts";
import { runPipeline } from "../testing.ts";

const BUILT_IN = definePipeline({ name: "agent-build", stages: [{ stage: "s", run: () => ({}) }] });
const loadPipelines = (from: string) => load(from, { builtIn: [BUILT_IN] });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipelines-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const write = async (name: string, text: string | Uint8Array) => await writeFile(join(folder, name), text);

/** A pipeline with its functions, as a runner has it. */
async function toRun(file: string, name: string): Promise<Pipeline> {
  const found = await pipelinesFromModule(join(folder, file), createModuleLoader());
  const pipeline = found.find((one) => one.name === name);
  if (pipeline === undefined) throw new Error(`expected the pipeline ${name}`);
  return pipeline;
}

async function refusal(): Promise<PipelineError> {
  const [problem] = (await loadPipelines(folder)).problems();
  if (problem === undefined) throw new Error("expected a refusal");
  return problem;
}

const DOCS_SITE = `name: docs-site
stages:
  - stage: fetch                      # the key
    stage_name: Get the sources
    command: git clone --depth 1 "$REPO" src
    env: { REPO: "https://example.org/site.git" }
  - stage: test
    command: cd src && npm ci && npm test
    weight: 2
    timeout_seconds: 600
    retry: { attempts: 3, backoff_seconds: 5 }
    env: { CI: "1" }
    artifacts: ["src/reports/**"]
`;

describe("YAML", () => {
  test("reads the documented form", async () => {
    await write("docs-site.yaml", DOCS_SITE);
    const registry = await loadPipelines(folder);
    expect(registry.list().map((pipeline) => pipeline.name)).toEqual(["agent-build", "docs-site"]);
    expect(registry.get("docs-site")?.stages).toEqual([
      {
        stage: "fetch",
        stage_name: "Get the sources",
        weight: 1,
        timeout_seconds: 3600,
        retry: { attempts: 1, backoff_seconds: 5 },
        action: {
          kind: "command",
          command: 'git clone --depth 1 "$REPO" src',
          env: { REPO: "https://example.org/site.git" },
          artifacts: [],
        },
      },
      {
        stage: "test",
        stage_name: "test",
        weight: 2,
        timeout_seconds: 600,
        retry: { attempts: 3, backoff_seconds: 5 },
        action: {
          kind: "command",
          command: "cd src && npm ci && npm test",
          env: { CI: "1" },
          artifacts: ["src/reports/**"],
        },
      },
    ]);
  });

  test("takes names per language and anchors", async () => {
    await write(
      "a.yml",
      'name: a\nstages:\n  - &base { stage: one, stage_name: { en: One, zh: "一" }, command: "true", retry: &r { attempts: 2 } }\n  - { stage: two, command: "true", retry: *r }\n',
    );
    const pipeline = (await loadPipelines(folder)).get("a");
    expect(pipeline?.stages[0]?.stage_name).toEqual({ en: "One", zh: "一" });
    expect(pipeline?.stages[1]?.retry).toEqual({ attempts: 2, backoff_seconds: 5 });
  });

  test.each<[string, string, number | undefined, string]>([
    [
      "an unknown field",
      DOCS_SITE.replace("weight:", "wieght:"),
      9,
      'pipeline "docs-site", stage "test", field wieght: no such field; did you mean weight?, found 2',
    ],
    ["an unknown field at the top", `${DOCS_SITE}extra: 1\n`, 14, "field extra: no such field"],
    [
      "a number in env",
      DOCS_SITE.replace('"1"', "1"),
      12,
      'stage "test", field env.CI: expected a text (in quotes where YAML reads something else), found 1',
    ],
    [
      "a field of the wrong type",
      DOCS_SITE.replace("timeout_seconds: 600", "timeout_seconds: 10m"),
      10,
      'field timeout_seconds: expected number, found "10m"',
    ],
    ["a key twice in a map", DOCS_SITE.replace("weight: 2", "command: echo"), 9, "Map keys must be unique"],
    ["a stage key twice", DOCS_SITE.replace("stage: test", "stage: fetch"), 7, "expected a key of its own"],
    [
      "no command",
      "name: a\nstages:\n  - stage: one\n",
      3,
      "expected exactly one of run, command and gate, found none",
    ],
    ["run in YAML", "name: a\nstages:\n  - stage: one\n    run: echo\n", 4, "field run: expected a function"],
    [
      "a missing name",
      'stages:\n  - { stage: one, command: "true" }\n',
      1,
      "field name: expected string, found nothing",
    ],
    ["broken YAML", "name: [\n", undefined, "not valid YAML"],
    ["an unknown tag", 'name: !!js/function "x"\nstages: []\n', 1, "not valid YAML: Unresolved tag"],
    ["two documents", `${DOCS_SITE}---\n${DOCS_SITE}`, undefined, "expected one document, found 2"],
    ["an empty file", "", undefined, "expected a pipeline, found an empty file"],
    ["a list", "- a\n", 1, "expected object, found a list of 1"],
    [
      "__proto__",
      'name: a\n__proto__: { x: 1 }\nstages:\n  - { stage: one, command: "true" }\n',
      2,
      "field __proto__: no such field",
    ],
  ])("refuses %s with file, line and field", async (_name, text, line, message) => {
    await write("broken.yaml", text);
    const error = await refusal();
    expect(error.code).toBe("INVALID_PIPELINE");
    expect(error.message).toContain(join(folder, "broken.yaml"));
    expect(error.message).toContain(message);
    expect(error.mistake.file).toBe(join(folder, "broken.yaml"));
    if (line !== undefined) expect(error.message).toContain(`broken.yaml:${line}`);
  });

  test("refuses a bomb of aliases at once", async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(", ")}]`,
    );
    await write("bomb.yaml", `l0: &l0 [x]\n${levels.join("\n")}\nname: a\nstages: []\n`);
    const started = performance.now();
    expect((await refusal()).message).toContain("cannot resolve its aliases");
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test("refuses what is not UTF-8 and what is far too long", async () => {
    await write("a.yaml", Buffer.from([0xff, 0xfe, 0x00]));
    expect((await refusal()).message).toContain("expected a readable UTF-8 file");
    await write("a.yaml", `# ${"x".repeat(1_000_001)}`);
    expect((await refusal()).message).toContain("expected at most 1000000 characters");
  });
});

const TYPED = `
import { definePipeline, StageError, type StageContext } from "@stagefold/pipeline";
import { z } from "zod";
import { double } from "./_helper.ts";

enum Kind { Final = "FINAL" }
const output = z.object({ n: z.number() });

export const first = definePipeline({
  name: "first",
  stages: [
    { stage: "a", output, run: async (ctx: StageContext): Promise<{ n: number }> => ({ n: double(ctx.attempt) }) },
    { stage: "b", run: (ctx) => { throw new StageError(String(ctx.output("a", output).n), { code: Kind.Final, final: true }); } },
  ],
});
export default first;
export const second = definePipeline({ name: "second", stages: [{ stage: "x", command: "true" }] });
export const other = 1;
`;

describe("modules", () => {
  test("TypeScript loads without a build, from a folder without node_modules, with this process's classes", async () => {
    await write("typed.ts", TYPED);
    await write("_helper.ts", "export const double = (n: number): number => n * 2;\n");
    const registry = await loadPipelines(folder);
    expect(registry.list().map(({ name }) => name)).toEqual(["agent-build", "first", "second"]);
    const first = await toRun("typed.ts", "first");
    const failed = runPipeline(first, { requirement: "", folder: join(folder, "run") });
    await expect(failed).rejects.toBeInstanceOf(StageError);
    await expect(failed).rejects.toMatchObject({ message: "2", code: "FINAL", final: true });
    expect((await readdir(folder)).sort()).toEqual(["_helper.ts", "run", "typed.ts"]);
  });

  test("JavaScript, .mts, top-level await and a default export that is only written down", async () => {
    await write("a.mjs", 'export default { name: "a", stages: [{ stage: "one", run: () => 1 }] };');
    await write(
      "b.js",
      'const name = await Promise.resolve("b");\nexport const p = { name, stages: [{ stage: "one", command: "true" }] };',
    );
    await write(
      "c.mts",
      'export const c: { name: string; stages: unknown[] } = { name: "c", stages: [{ stage: "one", command: "true" }] };',
    );
    const registry = await loadPipelines(folder);
    expect(registry.list().map(({ name }) => name)).toEqual(["agent-build", "a", "b", "c"]);
    expect(registry.get("a")?.stages[0]?.action).toEqual({
      kind: "module",
      source: expect.stringMatching(/^[0-9a-f]{12}$/),
      file: join(folder, "a.mjs"),
    });
  });

  test("ignores tests, declarations, hidden and private files, other endings and folders", async () => {
    await mkdir(join(folder, "folder.ts"));
    for (const name of ["a.test.ts", "a.d.ts", "a.d.mts", "_a.ts", ".a.yaml", "a.json", "README.md"]) {
      await write(name, "throw new Error('loaded');");
    }
    expect((await loadPipelines(folder)).list().map(({ name }) => name)).toEqual(["agent-build"]);
  });

  test.each<[string, string, string]>([
    ["throws", 'throw new TypeError("no luck");', "cannot be loaded: TypeError: no luck"],
    ["throws a text", 'throw "no luck";', "cannot be loaded: no luck"],
    ["is no TypeScript", "export const = ;", "cannot be loaded"],
    ["imports what is not there", 'import "./missing.ts";', "cannot be loaded"],
    ["exports nothing", "export {};", "expected an exported pipeline (definePipeline), found no exports"],
    ["exports something else", "export const a = 1, b = 2;", "found a, b"],
    [
      "defines wrongly",
      'import { definePipeline } from "@stagefold/pipeline"; export default definePipeline({ name: "p", stages: [] });',
      'pipeline "p", field stages: expected at least 1',
    ],
    [
      "writes down wrongly",
      'export default { name: "p", stages: [{ stage: "A" }] };',
      'stage "A": expected exactly one',
    ],
  ])("names a file that %s", async (_name, text, message) => {
    await write("bad.ts", text);
    const error = await refusal();
    expect(error.message.startsWith(join(folder, "bad.ts"))).toBe(true);
    expect(error.message).toContain(message);
  });
});

test("two files with one name are refused, and so is a built-in's name", async () => {
  await write("a.yaml", 'name: same\nstages:\n  - { stage: one, command: "true" }\n');
  await write("b.yaml", 'name: same\nstages:\n  - { stage: one, command: "true" }\n');
  expect((await refusal()).message).toContain(
    `b.yaml: pipeline "same": expected a name of its own, ${join(folder, "a.yaml")} has the same`,
  );
  await rm(join(folder, "b.yaml"));
  await write("a.yaml", 'name: agent-build\nstages:\n  - { stage: one, command: "true" }\n');
  expect((await refusal()).message).toContain("a built-in pipeline has the same");
});

test("a folder that is missing or a file is refused", async () => {
  await expect(loadPipelines(join(folder, "none"))).rejects.toThrow(
    "expected a readable folder of pipelines",
  );
  await write("file", "");
  await expect(loadPipelines(join(folder, "file"))).rejects.toMatchObject({ code: "INVALID_PIPELINE" });
});

const EXAMPLES = new URL("../../../../examples/pipelines/", import.meta.url);

test("the examples load from a folder of their own, and the TypeScript one runs", async () => {
  await cp(EXAMPLES, folder, { recursive: true });
  const registry = await loadPipelines(folder);
  const names = ["agent-build", "release-notes", "site-checks", "word-report"];
  expect(registry.list().map(({ name }) => name)).toEqual(names);
  const checks = registry.get("site-checks")?.stages.map(({ stage, needs }) => [stage, needs]);
  expect(checks).toEqual([
    ["pages", undefined],
    ["links", ["pages"]],
    ["spelling", ["pages"]],
    ["publish", ["links", "spelling"]],
    ["tidy", undefined],
  ]);
  const report = await toRun("word-report.ts", "word-report");
  const run = await runPipeline(report, {
    requirement: "One fish. Two fish.\n\nRed fish.",
    folder: join(folder, "run"),
  });
  expect(run.outputs.get("report")).toEqual({ words: 6, longest: "fish" });
  expect([...(run.records[1]?.sub_stages.keys() ?? [])]).toEqual(["part_1", "part_2"]);
});

describe("C4: YAML as people write it", () => {
  const HEAD = "name: p\nstages:\n  - stage: s\n    command: echo\n";
  test.each<[string, string]>([
    ["CRLF", HEAD.replaceAll("\n", "\r\n")],
    ["a byte order mark", `\ufeff${HEAD}`],
    ["an anchor", `${HEAD.replace("command: echo", "command: &c echo")}  - { stage: t, command: *c }\n`],
    [
      "a merge key",
      `${HEAD}    env: &e { A: "1" }\n  - { stage: t, command: "true", env: { <<: *e, B: "2" } }\n`,
    ],
    ["yes is a text", `${HEAD}    env: { CI: yes, T: 22:30 }\n`],
  ])("%s works", async (_name, text) => {
    await write("p.yaml", text);
    const registry = await loadPipelines(folder);
    expect(registry.problems()).toEqual([]);
    expect(registry.get("p")?.stages[0]?.stage).toBe("s");
  });
  test.each<[string, string, RegExp]>([
    ["a duplicate key", `${HEAD}    command: twice\n`, /p\.yaml:5: .*unique/],
    ["a tab", HEAD.replace("    command", "\tcommand"), /p\.yaml:\d+: .*[Tt]ab/],
    [
      "a number that loses its end",
      `${HEAD}    env: { V: 1.10 }\n`,
      /p\.yaml:5.*env\.V: expected a text.*found 1\.1/,
    ],
    ["two documents", `${HEAD}---\n${HEAD}`, /p\.yaml: expected one document, found 2/],
    ["a tag of its own", HEAD.replace("echo", "!secret echo"), /p\.yaml:4: .*tag/],
    [
      "a unit",
      `${HEAD}    timeout_seconds: 10m\n`,
      /p\.yaml:5.*timeout_seconds: expected number, found "10m"/,
    ],
    [
      "a slip",
      HEAD.replace("command", "comand"),
      /p\.yaml:4.*field comand: no such field; did you mean command\?/,
    ],
    ["a slip in retry", `${HEAD}    retry: { atempts: 3 }\n`, /p\.yaml:5.*did you mean attempts\?/],
    ["an empty file", "", /expected a pipeline/],
    [
      "a billion laughs",
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n${HEAD}`,
      /p\.yaml.*alias/,
    ],
  ])("%s is named in one sentence", async (_name, text, said) => {
    await write("p.yaml", text);
    expect((await refusal()).message).toMatch(said);
  });
  test("a.yml beside a.yaml", async () => {
    await write("a.yml", HEAD);
    await write("a.yaml", HEAD);
    expect((await refusal()).message).toMatch(/a\.yml: .*a\.yaml has the same/);
  });
});
