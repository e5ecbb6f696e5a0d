import { readdir, readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import type { Pipeline } from "../definition.ts";
import { isPipelineError, PipelineError } from "../errors.ts";
import { createRegistry, type PipelineRegistry } from "../registry.ts";
import { describeModules, type Loaded, type ModuleOptions } from "./module-process.ts";
import { pipelineFromYaml } from "./yaml.ts";

const YAML = new Set([".yaml", ".yml"]);
const MODULES = new Set([".ts", ".mts", ".js", ".mjs"]);
const IGNORED = /^[._]|\.test\.|\.d\.m?ts$/;

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

async function pipelineFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    const message = `expected a readable folder of pipelines, found ${reasonOf(cause)}`;
    throw new PipelineError(`${folder}: ${message}`, { file: folder }, { cause });
  });
  // A link may lead to a file: what it leads to shows when it is read.
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const wanted = names.filter(
    (name) => !IGNORED.test(name) && (YAML.has(extname(name)) || MODULES.has(extname(name))),
  );
  return wanted.sort().map((name) => resolve(folder, name));
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
  } catch (cause) {
    throw new PipelineError(
      `${file}: expected a readable UTF-8 file, found ${reasonOf(cause)}`,
      { file },
      { cause },
    );
  }
}

export interface LoadOptions extends ModuleOptions {
  /** Pipelines that are there already. */
  readonly builtIn?: readonly Pipeline[];
}

/**
 * The built-in pipelines and those of a folder: every `*.yaml` `*.yml` `*.ts` `*.mts` `*.js` `*.mjs` directly in it, but
 * for tests, type declarations and names that begin with `_` or `.`. TypeScript needs no build step; modules are loaded
 * by another process, so their stages have a `module` action. A file that cannot be used, or names a pipeline that
 * another one has, is one of the registry's `problems`. Throws a PipelineError when the folder cannot be read.
 */
export async function loadPipelines(
  folder: string,
  { builtIn = [], ...options }: LoadOptions = {},
): Promise<PipelineRegistry> {
  const files = await pipelineFiles(resolve(folder));
  const modules = await describeModules(
    files.filter((file) => !YAML.has(extname(file))),
    options,
  );
  const origin = new Map<Pipeline, string>(builtIn.map((pipeline) => [pipeline, "a built-in pipeline"]));
  const problems: PipelineError[] = [];
  for (const file of files) {
    const loaded = modules.get(file) ?? (await readYaml(file));
    if ("problem" in loaded) {
      problems.push(loaded.problem);
      continue;
    }
    for (const pipeline of loaded.pipelines) {
      const other = [...origin].find(([known]) => known.name === pipeline.name)?.[1];
      if (other === undefined) origin.set(pipeline, file);
      else problems.push(taken(pipeline, file, other));
    }
  }
  return createRegistry(origin.keys(), problems);
}

async function readYaml(file: string): Promise<Loaded> {
  try {
    return { pipelines: [pipelineFromYaml(await readText(file), file)] };
  } catch (error) {
    if (!isPipelineError(error)) throw error;
    return { problem: error };
  }
}

function taken({ name }: Pipeline, file: string, other: string): PipelineError {
  const message = `pipeline ${JSON.stringify(name)}: expected a name of its own, ${other} has the same`;
  return new PipelineError(`${file}: ${message}`, { file, pipeline: name, field: "name" });
}
