import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PipelineRun, runPipeline } from "@stagefold/pipeline/testing";
import { agentBuild } from "../src/index.ts";
import { agentOutput } from "../src/outputs.ts";

export const CALCULATOR =
  "A simple math calculation agent that supports basic arithmetic operations (addition, subtraction, multiplication, division).";

/** A folder for builds, removed at the end. */
export interface Builds extends AsyncDisposable {
  readonly root: string;
  build(requirement: string, project_name?: string): Promise<PipelineRun>;
}

export async function builds(): Promise<Builds> {
  const root = await mkdtemp(join(tmpdir(), "agent-build-"));
  return {
    root,
    build: async (requirement, project_name = "") =>
      await runPipeline(agentBuild, { requirement, project_name, folder: await mkdtemp(join(root, "run-")) }),
    [Symbol.asyncDispose]: async () => await rm(root, { recursive: true, force: true }),
  };
}

interface Printed {
  exit: number;
  stdout: string;
  stderr: string;
}

/** Runs the built agent where nothing but its artifacts is. */
export async function runAgent(run: PipelineRun, args: string[], input = "", env = {}): Promise<Printed> {
  const folder = await mkdtemp(join(run.workDir, "..", "alone-"));
  await cp(run.artifactsDir, folder, { recursive: true });
  const { agent } = agentOutput.parse(run.outputs.get("agent_code_developer"));
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [agent, ...args],
      { cwd: folder, env },
      (error, stdout, stderr) => resolve({ exit: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

export const artifactsOf = (run: PipelineRun): string[] =>
  run.records.flatMap((record) => [...record.artifacts.keys()]);

/** What the stages alone add to the item: outputs, artifact entries and sub-stages as the item keeps them. */
export function itemBytes(run: PipelineRun): number {
  const stages = run.records.map((record) => ({
    stage: record.stage,
    started_at: "2024-01-01T00:00:00.000Z",
    completed_at: "2024-01-01T00:00:00.000Z",
    stage_name: "代码开发",
    agent_name: record.stage,
    status: "completed",
    duration_seconds: 300,
    progress: 100,
    metrics: record.metrics,
    output_data: {
      ...Object(run.outputs.get(record.stage)),
      artifacts: [...record.artifacts.keys()],
      artifact_info: Object.fromEntries(
        [...record.artifacts].map(([path, options]) => [
          path,
          { size: 10_000, sha256: "0".repeat(64), created_at: "2024-01-01T00:00:00.000Z", ...options },
        ]),
      ),
    },
    sub_stages: Object.fromEntries(
      [...record.sub_stages].map(([key, part], index) => [
        key,
        {
          number: index + 1,
          ...part,
          started_at: "2024-01-01T00:00:00.000Z",
          completed_at: "2024-01-01T00:00:00.000Z",
        },
      ]),
    ),
  }));
  return Buffer.byteLength(JSON.stringify(stages));
}
