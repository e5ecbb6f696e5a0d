import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { SOAK } from "../../../tooling/vitest/soak.ts";
import { emptyProject, mustRun, npmStart, pack, run, tempFolder } from "./harness.ts";
import { GIVEN_SECRET, REVIEW_CLIENT, REVIEW_PIPELINE, REVIEW_YAML } from "./review.ts";

const NO_NETWORK = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET|ENOTCACHED/;

/** A page of this project's pipeline: keys and outputs are typed, also those that are wrong. */
const PAGE = `
import { hooksFor, StagefoldProvider } from "@stagefold/react";
import type pipeline from "../pipelines/word-count.ts";

const { useStage } = hooksFor<typeof pipeline>();

function Words({ id }: { id: string }) {
  const words: number | undefined = useStage(id, "count").value?.output?.words;
  // @ts-expect-error: there is no such stage
  useStage(id, "other");
  return <p>{words}</p>;
}

export const page = (
  <StagefoldProvider url="http://127.0.0.1:4000" token={async () => "fresh"}>
    <Words id="proj_000000000000" />
  </StagefoldProvider>
);
`;
/** What the document gives a program: unions that narrow by their status, and fields that are refused. */
const REST_CLIENT = `
import type { paths } from "./api.d.ts";
type Project = paths["/v1/projects/{project_id}"]["get"]["responses"]["200"]["content"]["application/json"];
type Create = paths["/v1/projects"]["post"]["requestBody"];
export function show(project: Project): string {
  if (project.status === "failed") return project.error_info.message;
  // @ts-expect-error: of a queued build there is none
  if (project.status === "queued") return project.error_info.message;
  return project.project_name;
}
export const create: Create = { content: { "application/json": { requirement: "x", priority: 1 } } };
// @ts-expect-error: a priority is a number
export const wrong: Create = { content: { "application/json": { requirement: "x", priority: "1" } } };
`;
const TSCONFIG = JSON.stringify({
  include: ["pipelines", "scripts", "test"],
  compilerOptions: {
    target: "es2023",
    module: "nodenext",
    types: ["node"],
    jsx: "react-jsx",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
});

/** What these packages need comes from the registry. */
async function install(context: TestContext, cwd: string, args: readonly string[]): Promise<void> {
  const { code, printed } = await run(cwd, "npm", ["install", "--prefer-offline", ...args]);
  if (code !== 0 && NO_NETWORK.test(printed)) context.skip("the npm registry cannot be reached");
  expect(printed, "npm install").not.toMatch(/npm error/);
  expect(code).toBe(0);
}

/** A pipeline with typed input, a gate and a secret, by the client in TypeScript; the same in YAML by curl. */
async function reviewed(cwd: string, url: string): Promise<void> {
  const env = { STAGEFOLD_URL: url };
  const [id = "", made] = (await mustRun(cwd, "npx", ["tsx", "scripts/review.ts"], env)).trim().split(" ");
  expect(made).toBe('{"pages":3,"ok":true}');
  const log = await mustRun(cwd, "npx", ["stagefold", "logs", id, "fetch"], env);
  expect(log).toContain("the token is ***");
  expect(log).not.toContain(GIVEN_SECRET);

  const curl = async (procedure: string, input: object) => {
    const json = ["-H", "content-type: application/json", "-d", JSON.stringify(input)];
    return JSON.parse(await mustRun(cwd, "curl", ["-s", ...json, `${url}/trpc/projects.${procedure}`]));
  };
  const about = { pipeline: "letter" };
  const wrong = await curl("create", { ...about, input: { site: 3 } });
  expect(wrong.error.data.stagefold).toMatchObject({ code: "INVALID_INPUT" });
  expect(wrong.error.message).toContain("site");
  const { project_id } = (await curl("create", { ...about, input: { site: "example.org" } })).result.data;
  const get = `${url}/trpc/projects.get?input=${encodeURIComponent(JSON.stringify({ project_id }))}`;
  const reach = async (wanted: string) => {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const project = JSON.parse(await mustRun(cwd, "curl", ["-s", get])).result.data;
      if (project.status === wanted) return project;
      await new Promise((next) => setTimeout(next, 100));
    }
    return expect.fail(`${project_id} did not become ${wanted}`);
  };
  await reach("waiting");
  const refused = await curl("answer", { project_id, stage: "approve", value: { ok: "yes" } });
  expect(refused.error.data.stagefold.code).toBe("INVALID_INPUT");
  await curl("answer", { project_id, stage: "approve", value: { ok: true } });
  const project = await reach("completed");
  expect(JSON.stringify(project)).not.toContain(GIVEN_SECRET);
  const [, approve] = project.stages_snapshot.stages;
  expect(approve.output_data).toMatchObject({ answer: { ok: true }, at: expect.any(String) });
}

describe("in an empty project", () => {
  it("npm installs the tarballs; init, test, start, build, and types", async (context) => {
    await using folder = await tempFolder();
    const tarballs = await pack(join(folder.path, "tarballs"));
    // Nothing is in it: the install writes the package.json.
    const cwd = join(folder.path, "mine");
    await mkdir(cwd);
    await install(context, cwd, tarballs);
    await mustRun(cwd, "npx", ["stagefold", "init"], { npm_config_prefer_offline: "true" });

    // A second time changes nothing, also not what was edited meanwhile.
    await writeFile(join(cwd, ".gitignore"), "mine\n");
    const before = await readFile(join(cwd, "package.json"), "utf8");
    const again = await mustRun(cwd, "npx", ["stagefold", "init", "--no-install"]);
    expect(again).toContain("kept .gitignore, which was there");
    expect(await readFile(join(cwd, ".gitignore"), "utf8")).toBe("mine\n");
    expect(await readFile(join(cwd, "package.json"), "utf8")).toBe(before);

    expect(await mustRun(cwd, "npm", ["test"])).toMatch(/pass 1\b/);
    await writeFile(join(cwd, "pipelines/review.ts"), REVIEW_PIPELINE);
    await writeFile(join(cwd, "pipelines/letter.yaml"), REVIEW_YAML);
    await writeFile(join(cwd, "scripts/review.ts"), REVIEW_CLIENT);
    await mustRun(cwd, "npm", ["run", "typecheck"]);
    if (SOAK) {
      await install(context, cwd, ["react@19", "@types/react@19"]);
      await writeFile(join(cwd, "scripts/page.tsx"), PAGE);
      await writeFile(join(cwd, "tsconfig.json"), TSCONFIG);
      await mustRun(cwd, "npm", ["run", "typecheck"]);
      // Without skipLibCheck: the declarations of the packages themselves.
      await mustRun(cwd, "npx", ["tsc", "--skipLibCheck", "false"]);
      const five = ["--yes", "--package", "typescript@5.9.3", "--", "tsc"];
      await mustRun(cwd, "npm", ["exec", ...five]);
    }

    await using system = await npmStart(cwd, { STAGEFOLD_SECRET_SITE_TOKEN: GIVEN_SECRET });
    const env = { STAGEFOLD_URL: system.url };
    if (SOAK) await reviewed(cwd, system.url);
    expect(await (await fetch(system.url)).text()).toContain("<div id=");
    const built = await mustRun(cwd, "npm", ["run", "build", "--", "one three fifteen"], env);
    expect(built).toContain("3 words");
    expect(built).toContain('The longest is "fifteen".');

    const agent = ["stagefold", "create", "Convert units and count words", "--wait"];
    expect(await mustRun(cwd, "npx", agent, env)).toMatch(/proj_[0-9a-f]{12} completed/);

    if (SOAK) {
      // The official client of people who look at a server of MCP.
      const inspector = [
        "--yes",
        "--package",
        "@modelcontextprotocol/inspector@0.15.0",
        "--",
        "mcp-inspector",
      ];
      const asked = ["--cli", "npx", "stagefold", "mcp", "--method", "tools/list"];
      const { tools } = JSON.parse(await mustRun(cwd, "npm", ["exec", ...inspector, ...asked], env));
      expect(tools.map(({ name }: { name: string }) => name)).toContain("create_build");

      // A client for REST, made of the document that this API serves.
      const generators = ["--package=openapi-typescript@7.13.0", "--package=typescript@5.9.3"];
      const make = ["openapi-typescript", `${system.url}/v1/openapi.json`, "--output", "scripts/api.d.ts"];
      await mustRun(cwd, "npm", ["exec", "--yes", "--prefer-offline", ...generators, "--", ...make]);
      await writeFile(join(cwd, "scripts/rest.ts"), REST_CLIENT);
      await mustRun(cwd, "npm", ["run", "typecheck"]);
    }
  });

  // Skipped but in the long form: it takes a minute for each.
  it.runIf(SOAK).each([
    ["pnpm", ["pnpm@10.34.9", "add"]],
    ["yarn", ["yarn@1.22.22", "add"]],
  ] as const)("%s installs the tarballs, and builds an agent", async (name, [tool, add]) => {
    await using folder = await tempFolder();
    const tarballs = await pack(join(folder.path, "tarballs"));
    const cwd = await emptyProject(folder.path, name);
    const manifest = JSON.parse(await readFile(join(cwd, "package.json"), "utf8"));
    // What they need of each other is not in the registry: these files are it.
    const overrides = Object.fromEntries(
      await Promise.all(
        tarballs.map(async (file) => {
          const text = await mustRun(cwd, "tar", ["-xOf", file, "package/package.json"]);
          return [JSON.parse(text).name, `file:${file}`] as const;
        }),
      ),
    );
    const forced = name === "pnpm" ? { pnpm: { overrides } } : { resolutions: overrides };
    await writeFile(join(cwd, "package.json"), JSON.stringify({ ...manifest, ...forced }));
    await mustRun(cwd, "npm", ["exec", "--yes", `--package=${tool}`, "--", name, add, ...tarballs]);
    await writeFile(
      join(cwd, "package.json"),
      JSON.stringify({
        ...JSON.parse(await readFile(join(cwd, "package.json"), "utf8")),
        scripts: { start: "stagefold up" },
      }),
    );
    await using system = await npmStart(cwd);
    const agent = ["stagefold", "create", "Convert units and count words", "--wait"];
    expect(await mustRun(cwd, "npx", agent, { STAGEFOLD_URL: system.url })).toMatch(/completed/);
  });
});
