import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPipelines } from "@stagefold/agent-build";
import { type Project, wholeTexts } from "@stagefold/core";
import { type Backend, openBackend, parseEnv } from "@stagefold/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stageOf } from "./harness.ts";
import { spawnWorker, untilReady, type WorkerProcess } from "./worker-process.ts";

const TOKEN = "tok3n-hunter2-\u00fc+/=x";
const CREDENTIALS = "aws-cr3dentials-of-the-worker";
const LINES = "-----BEGIN-----\nq1w2e3r4t5y6\nu7i8o9p0a1s2";

const MODULE = `
import { definePipeline } from "@stagefold/pipeline";
const secrets = ["TOKEN", "PEM"];
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const refused = (work) => work.then(() => "recorded", (error) => "refused: " + error.message);
export default definePipeline({ name: "leaks", stages: [
  { stage: "all", secrets, async run(ctx) {
    const token = ctx.secret("TOKEN");
    ctx.log("plain " + token, JSON.stringify({ token }), Buffer.from("x" + token).toString("base64"));
    console.error(ctx.secret("PEM"));
    process.stdout.write("cut " + token.slice(0, 9));
    await wait(700);
    process.stdout.write(token.slice(9) + "\\n");
    console.log([...token].reverse().join(""), Buffer.from(token).toString("hex"), encodeURIComponent(token));
    ctx.log(await refused(ctx.artifact("out/" + token + ".txt", "x")));
    ctx.reference("ref", { metadata: { [token]: [token] } });
    await ctx.subStage("part", async () => { throw new Error("part " + token); }).catch(() => undefined);
    ctx.log("length " + token.length);
    return { said: "it is " + token, nested: [{ [token]: Buffer.from(token).toString("base64") }] };
  } },
  { stage: "none", async run(ctx) {
    try { ctx.secret("TOKEN"); return { got: "it" }; } catch (error) { return { got: error.message }; }
  } },
  { stage: "throws", secrets, run(ctx) {
    const error = new Error("refused with " + ctx.secret("TOKEN"), { cause: new Error(ctx.secret("PEM")) });
    throw error;
  } },
] });
`;

/** Reads what it can of every process. Its own command line has what it looks for cut in two. */
const SPY = (word: string) => {
  const [a, b] = [word.slice(0, 4), word.slice(4)];
  return `needle=${a}; needle="\${needle}${b}"; read=0; found=0
    for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do
      if [ -r "$file" ]; then read=$((read + 1)); if grep -qa "$needle" "$file" 2>/dev/null; then found=$((found + 1)); fi; fi
    done
    echo "found $found"; [ $read -gt 4 ] && echo "read some"; env | grep -c "$needle" || true`;
};

const YAML = `
name: spies
stages:
  - stage: token
    command: ${JSON.stringify(SPY("tok3n-hunter2"))}
  - stage: credentials
    command: ${JSON.stringify(SPY("aws-cr3dentials"))}
  - stage: given
    secrets: [TOKEN]
    command: "echo length \${#TOKEN}; echo is $TOKEN; exit 3"
`;

let root: string;
let env: Record<string, string>;
let backend: Backend;
let worker: WorkerProcess;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "stagefold-secrets-"));
  const pipelines = join(root, "pipelines");
  await mkdir(pipelines);
  await writeFile(join(pipelines, "leaks.ts"), MODULE);
  await writeFile(join(pipelines, "spies.yaml"), YAML);
  await writeFile(
    join(pipelines, "lacks.yaml"),
    "name: lacks\nstages: [{ stage: s, secrets: [TOKEN, NO_SUCH], retry: { attempts: 3 }, command: touch ran }]\n",
  );
  const file = join(root, "secrets.env");
  await writeFile(file, `PEM="${LINES}"\n`, { mode: 0o600 });
  env = {
    STAGEFOLD_DATA_DIR: join(root, "data"),
    STAGEFOLD_PIPELINES: pipelines,
    STAGEFOLD_LOG_LEVEL: "debug",
    STAGEFOLD_SECRETS: file,
  };
  backend = await openBackend(parseEnv(env));
  worker = spawnWorker({ ...env, STAGEFOLD_SECRET_TOKEN: TOKEN, AWS_SECRET_ACCESS_KEY: CREDENTIALS });
  await untilReady(worker);
});

afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await backend.close();
  await rm(root, { recursive: true, force: true });
});

async function built(name: string): Promise<Project> {
  const pipeline = (await openPipelines(env.STAGEFOLD_PIPELINES)).get(name) ?? expect.fail("no pipeline");
  const { project_id } = await backend.repository.control.create(
    { requirement: "x" },
    {
      pipeline: name,
      pipeline_version: pipeline.version,
      stages: pipeline.stages.map(({ stage }) => ({ stage })),
    },
  );
  return await expect
    .poll(() => backend.repository.get(project_id))
    .toSatisfy((project: Project) => project.completed_at !== undefined)
    .then(() => backend.repository.get(project_id));
}

async function logOf(project: Project, key: string): Promise<string[]> {
  const { stage, attempt, log_seq = 0 } = stageOf(project, key);
  const ref = { project_id: project.project_id, stage, attempt };
  return wholeTexts([], (await backend.logs.read(ref, { limit: 1000, upTo: log_seq })).lines);
}

/** Everything that the platform has kept, but for the secrets' own file and what stages put into files. */
async function kept(): Promise<string> {
  const data = join(root, "data");
  const names = await readdir(data, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(data, "work")));
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "latin1")));
  return [worker.said(), ...files.map(({ name }) => name), ...texts].join("\n");
}

test("what a hostile stage does with its secrets is masked wherever the platform keeps it", async () => {
  const project = await built("leaks");
  const { output_data, sub_stages } = stageOf(project, "all");
  expect(output_data.said).toBe("it is ***");
  expect(output_data.artifact_info.ref).toMatchObject({ metadata: { "***": ["***"] } });
  expect(sub_stages.part).toMatchObject({ error_message: "part ***" });
  const log = await logOf(project, "all");
  expect(log.slice(0, 3)).toEqual(["plain ***", '{"token":"***"}', expect.stringContaining("***")]);
  expect(log).toContain("cut ***");
  expect(log).toContain("refused: The artifact out/***.txt is not recorded: its path has a secret in it.");
  expect(log).toContain(`length ${TOKEN.length}`);
  expect(stageOf(project, "none").output_data.got).toContain("does not name the secret TOKEN");
  expect(stageOf(project, "throws").error_message).toBe("refused with ***");
  expect((await logOf(project, "throws")).join("\n")).toContain("refused with ***");
  const found = await kept();
  const utf8 = Buffer.from(found, "latin1").toString("utf8");
  for (const [what, text] of [
    ["plain", TOKEN],
    ["its beginning", "tok3n-hunter"],
    ["backwards", [...TOKEN].reverse().join("")],
    ["base64", Buffer.from(TOKEN).toString("base64").slice(0, 16)],
    ["hex", Buffer.from(TOKEN).toString("hex")],
    ["a line of it", "q1w2e3r4t5y6"],
  ] as const)
    expect([what, utf8.includes(text), found.includes(text)]).toEqual([what, false, false]);
  expect(found).toContain("plain ***");
});

// Skipped when there is no /proc.
test.runIf(process.platform === "linux")(
  "A8: no stage reads the worker's environment in /proc, and a command gets what it names alone",
  async () => {
    const project = await built("spies");
    for (const key of ["token", "credentials"])
      expect(await logOf(project, key), key).toEqual(["found 0", "read some", "0"]);
    expect(await logOf(project, "given")).toEqual([
      `length ${Buffer.byteLength(TOKEN)}`,
      "is ***",
      "The command exited with 3.",
    ]);
  },
);

test("a stage whose secret this worker does not have fails before it starts, and says which", async () => {
  const project = await built("lacks");
  const stage = stageOf(project, "s");
  expect(stage).toMatchObject({ status: "failed", attempt: 1 });
  expect(stage.error_message).toContain("needs the secret NO_SUCH, which this worker does not have");
  expect(stage.log_seq).toBeUndefined();
});
