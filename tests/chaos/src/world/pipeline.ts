import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Plan } from "@stagefold/core";
import { loadPipelines, stagesFor } from "@stagefold/pipeline";

/** One stage after the other, with a gate among them; and a diamond, whose middle two run at the same time. */
const PIPELINES = ["chaos", "diamond"] as const;
/** The stage that asks a person. */
export const GATE = "approve";

/** What the log of a stage's attempt has in the end, each line once. */
export function expectedLog(stage: string, attempt: number): string[] {
  return ["begin", "middle", "end"].map((what) => `${what} ${stage} ${attempt}`);
}

/** What the artifact `in/data.txt` holds, whichever attempt made it: attempts may overlap in the work folder. */
export function dataOf(projectId: string): string {
  return `data of ${projectId}\n`;
}

/** The artifact of `compute`, named after its attempt. */
export function resultOf(projectId: string, attempt: number): { path: string; text: string } {
  return { path: `out/result-${attempt}.txt`, text: `result ${attempt} of ${projectId}\n` };
}

/**
 * The pipelines of the builds, as a user writes them: commands and code, artifacts that later stages read, logs, a gate, and a
 * stage whose first attempt fails by itself. Each attempt leaves a line in `<runs>/<project_id>` when it begins. Answers
 * with a plan for each.
 */
export async function writePipelines(folder: string, runs: string): Promise<Plan[]> {
  await mkdir(folder, { recursive: true });
  await mkdir(runs, { recursive: true });
  for (const name of PIPELINES) await writeFile(join(folder, `${name}.ts`), source(name, runs));
  const loaded = await loadPipelines(folder);
  return PIPELINES.map((name) => {
    const pipeline = loaded.get(name);
    if (!pipeline) throw new Error(`expected the pipeline ${name}`);
    const stages = stagesFor(pipeline, undefined).map(({ stage, weight, needs }) => ({
      stage,
      weight,
      needs,
    }));
    return { pipeline: name, pipeline_version: pipeline.version, stages };
  });
}

const BEGIN = 'echo "$STAGEFOLD_STAGE $STAGEFOLD_ATTEMPT" >> "$RUNS/$STAGEFOLD_PROJECT_ID"';
const say = (what: string) => `echo "${what} $STAGEFOLD_STAGE $STAGEFOLD_ATTEMPT"`;
const COMMANDS = {
  prepare: [
    BEGIN,
    say("begin"),
    "mkdir -p in",
    'echo "data of $STAGEFOLD_PROJECT_ID" > "in/.data.$STAGEFOLD_ATTEMPT"',
    'mv "in/.data.$STAGEFOLD_ATTEMPT" in/data.txt',
    say("middle"),
    "sleep 0.3",
    say("end"),
  ],
  flaky: [
    BEGIN,
    say("begin"),
    "sleep 0.2",
    say("middle"),
    'if mkdir "$RUNS/failed-$STAGEFOLD_PROJECT_ID" 2> /dev/null; then exit 3; fi',
    say("end"),
  ],
  finish: [BEGIN, say("begin"), "test -s in/data.txt || exit 4", "sleep 0.4", say("middle"), say("end")],
} as const;

function source(name: (typeof PIPELINES)[number], runs: string): string {
  const command = (stage: keyof typeof COMMANDS) => JSON.stringify(["set -e", ...COMMANDS[stage]].join("\n"));
  const isDiamond = name === "diamond";
  const needs = (...stages: string[]) => (isDiamond ? `needs: ${JSON.stringify(stages)},` : "");
  return `import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { definePipeline } from "@stagefold/pipeline";
const env = { RUNS: ${JSON.stringify(runs)} };
export default definePipeline({ name: "${name}", stages: [
  { stage: "prepare", command: ${command("prepare")}, env, artifacts: ["in/data.txt"] },
  { stage: "compute", weight: 2, ${needs("prepare")} async run(ctx) {
    const { project_id } = ctx.project;
    appendFileSync(env.RUNS + "/" + project_id, "compute " + ctx.attempt + "\\n");
    ctx.log("begin compute " + ctx.attempt);
    const data = readFileSync(ctx.workDir + "/in/data.txt", "utf8");
    ctx.progress(30);
    await sleep(250);
    ctx.log("middle compute " + ctx.attempt);
    await ctx.artifact("out/result-" + ctx.attempt + ".txt", "result " + ctx.attempt + " of " + project_id + "\\n");
    ctx.progress(70);
    await sleep(250);
    ctx.metrics({ tool_calls: 1 });
    ctx.log("end compute " + ctx.attempt);
    return { attempt: ctx.attempt, data };
  } },
  ${isDiamond ? "" : GATE_SOURCE}
  { stage: "flaky", ${needs("prepare")} command: ${command("flaky")}, env, retry: { attempts: 5, backoff_seconds: 0.2 } },
  { stage: "finish", ${needs("compute", "flaky")} command: ${command("finish")}, env },
] });
`;
}

const GATE_SOURCE = `{ stage: "${GATE}", gate: {
    question: "Go on?",
    answer: { type: "object", properties: { by: { type: "string" } }, required: ["by"] },
  } },`;

/** How often each attempt of each stage began, as `<stage> <attempt>`. */
export async function runsOf(runs: string, projectId: string): Promise<string[]> {
  try {
    return (await readFile(join(runs, projectId), "utf8")).trim().split("\n");
  } catch (error) {
    // No stage of it ever began.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
