import { resolve } from "node:path";
import {
  createRegistry,
  findPipelineFiles,
  fixedPipelines,
  isPipelineError,
  loadPipelines,
  type PipelineError,
  type PipelineFile,
  type PipelineRegistry,
  readPipelines,
  type WatchedPipelines,
  watchPipelines,
} from "@stagefold/pipeline";
import { agentBuild } from "./agent-build.ts";

/** What modules of users import, from `src` and `dist` alike. */
const SELF = new URL("../dist/index.js", import.meta.url).href;

const OPTIONS = { builtIn: [agentBuild], modules: { "@stagefold/agent-build": SELF } };

/** The pipelines that every API and worker has. */
export function builtInPipelines(): PipelineRegistry {
  return createRegistry([agentBuild]);
}

/** The built-in pipelines and, where a folder is given, those of its files. */
export async function openPipelines(folder: string | undefined): Promise<PipelineRegistry> {
  return folder === undefined ? builtInPipelines() : await loadPipelines(folder, OPTIONS);
}

export interface FollowOptions {
  /** Called once with each file that cannot be used, and again when that changes; with what keeps the folder from being read. */
  readonly onProblem: (problem: unknown) => void;
  /** Called after the files were read again. */
  readonly onChange?: (() => void) | undefined;
}

/** The same, read again within a second when a file changes. */
export async function followPipelines(
  folder: string | undefined,
  { onProblem, onChange }: FollowOptions,
): Promise<WatchedPipelines> {
  if (folder === undefined) return fixedPipelines(builtInPipelines(), Date.now() - process.uptime() * 1000);
  let told = new Set<string>();
  const tell = (problems: readonly PipelineError[]) => {
    // A change of one file reads the others again: what is wrong with those has been reported.
    for (const problem of problems) if (!told.has(problem.message)) onProblem(problem);
    told = new Set(problems.map(({ message }) => message));
    onChange?.();
  };
  const pipelines = await watchPipelines(folder, { ...OPTIONS, onChange: tell, onError: onProblem });
  tell(pipelines.problems());
  return pipelines;
}

/** What files, and the files of folders, define, and what is wrong with them: as an API or a worker would read them. */
export async function checkPipelines(paths: readonly string[]): Promise<PipelineFile[]> {
  const found: string[] = [];
  const missing: PipelineFile[] = [];
  for (const file of paths.map((path) => resolve(path)))
    try {
      found.push(...(await findPipelineFiles(file)));
    } catch (error) {
      if (!isPipelineError(error)) throw error;
      missing.push({ file, pipelines: [], problems: [error] });
    }
  return [...missing, ...(await readPipelines(found, OPTIONS))];
}
