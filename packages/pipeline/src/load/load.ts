import { readdir, readFile, stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import type { Pipeline } from "../definition.ts";
import { PipelineError } from "../errors.ts";
import { createRegistry, type PipelineRegistry } from "../registry.ts";
import { createModuleLoader, type ModuleLoader, pipelinesFromModule } from "./module.ts";
import { pipelineFromYaml } from "./yaml.ts";

const YAML = new Set([".yaml", ".yml"]);
const MODULES = new Set([".ts", ".mts", ".js", ".mjs"]);
const IGNORED = /^[._]|\.test\.|\.d\.m?ts$/;

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

async function pipelineFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    const message = `expected a readable folder of pipelines, found ${reasonOf(cause)}`;
    throw new PipelineError(`${folder}: ${message}`, { file: folder }, { cause });
  });
  const wanted = entries.filter(
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

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new PipelineError(
      `${path}: expected a readable file, found ${reasonOf(cause)}`,
      { file: path },
      { cause },
    );
  });
  return found.isFile();
}

/**
 * Some pipelines that are there already, and those of a folder: every `*.yaml` `*.yml` `*.ts` `*.mts` `*.js` `*.mjs` directly in it, but
 * for tests, type declarations and names that begin with `_` or `.`. TypeScript needs no build step. Throws a
 * PipelineError for the first file that cannot be used and for a name that two pipelines share.
 */
export async function loadPipelines(
  folder: string,
  builtIn: readonly Pipeline[] = [],
): Promise<PipelineRegistry> {
  const origin = new Map<Pipeline, string>(builtIn.map((pipeline) => [pipeline, "a built-in pipeline"]));
  let loader: ModuleLoader | undefined;
  for (const file of await pipelineFiles(resolve(folder))) {
    if (!(await isFile(file))) continue;
    if (YAML.has(extname(file))) {
      addAll(origin, [pipelineFromYaml(await readText(file), file)], file);
    } else {
      loader ??= await createModuleLoader();
      addAll(origin, await pipelinesFromModule(file, loader), file);
    }
  }
  return createRegistry(origin.keys());
}

function addAll(origin: Map<Pipeline, string>, pipelines: readonly Pipeline[], file: string): void {
  for (const pipeline of pipelines) {
    const other = [...origin].find(([known]) => known !== pipeline && known.name === pipeline.name);
    if (other !== undefined) {
      const message = `pipeline ${JSON.stringify(pipeline.name)}: expected a name of its own, ${other[1]} has the same`;
      throw new PipelineError(`${file}: ${message}`, { file, pipeline: pipeline.name, field: "name" });
    }
    origin.set(pipeline, file);
  }
}
