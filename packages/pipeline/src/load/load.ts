import { constants } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import type { Pipeline } from "../definition.ts";
import { isPipelineError, PipelineError } from "../errors.ts";
import { createRegistry, type PipelineRegistry } from "../registry.ts";
import { describeModules, type Loaded, type ModuleOptions } from "./module-process.ts";

const YAML = new Set([".yaml", ".yml"]);
const MODULES = new Set([".ts", ".mts", ".js", ".mjs"]);
const IGNORED = /^[._]|\.test\.|\.d\.m?ts$/;

/** Of a YAML file. */
const MAX_BYTES = 4 * 1024 * 1024;

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** Whether a file is a pipeline by its name, and no code. */
export function isYaml(file: string): boolean {
  return YAML.has(extname(file));
}

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
    return new TextDecoder("utf-8", { fatal: true }).decode(await bytesOf(file));
  } catch (cause) {
    if (isPipelineError(cause)) throw cause;
    throw new PipelineError(
      `${file}: expected a readable UTF-8 file, found ${reasonOf(cause)}`,
      { file },
      { cause },
    );
  }
}

/** A pipe is opened without waiting for its other end, and what has no end is not read. */
async function bytesOf(file: string): Promise<Buffer> {
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await handle.stat();
    if (about.isFile() && about.size <= MAX_BYTES) return await handle.readFile();
    const found = about.isFile() ? `${about.size} bytes` : "a folder, a pipe or a device";
    throw new PipelineError(`${file}: expected a file of at most ${MAX_BYTES} bytes, found ${found}`, {
      file,
    });
  } finally {
    await handle.close();
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
  describe: Describe = describeModules,
): Promise<PipelineRegistry> {
  const files = await pipelineFiles(resolve(folder));
  const read = await readPipelines(files, { builtIn, ...options }, describe);
  return createRegistry(
    [...builtIn, ...read.flatMap(({ pipelines }) => pipelines)],
    read.flatMap(({ problems }) => problems),
  );
}

/** How modules are read, which takes a process of its own; their files are given in order. */
export type Describe = typeof describeModules;

/** What a file defines, and what is wrong with it. */
export interface PipelineFile {
  /** Absolute. */
  readonly file: string;
  readonly pipelines: readonly Pipeline[];
  readonly problems: readonly PipelineError[];
}

/** Reads files of pipelines, whatever their names, in their order; a name that an earlier one has is a problem. */
export async function readPipelines(
  given: readonly string[],
  { builtIn = [], ...options }: LoadOptions = {},
  describe: Describe = describeModules,
): Promise<PipelineFile[]> {
  const files = given.map((file) => resolve(file));
  const modules = await describe(
    files.filter((file) => !isYaml(file)),
    options,
  );
  const origin = new Map(builtIn.map(({ name }) => [name, "a built-in pipeline"]));
  const read: PipelineFile[] = [];
  for (const file of files) {
    const loaded = modules.get(file) ?? (await readYaml(file));
    if ("problem" in loaded) {
      read.push({ file, pipelines: [], problems: [loaded.problem] });
      continue;
    }
    const pipelines: Pipeline[] = [];
    const problems: PipelineError[] = [];
    for (const pipeline of loaded.pipelines) {
      const other = origin.get(pipeline.name);
      if (other === undefined) pipelines.push(pipeline);
      else problems.push(taken(pipeline, file, other));
      origin.set(pipeline.name, other ?? file);
    }
    read.push({ file, pipelines, problems });
  }
  return read;
}

/** The files of a folder that are read, or the file itself. Errors: PipelineError. */
export async function findPipelineFiles(path: string): Promise<string[]> {
  const about = await stat(path).catch((cause: unknown) => {
    throw new PipelineError(`${path}: cannot be read: ${reasonOf(cause)}`, { file: path }, { cause });
  });
  if (about.isDirectory()) return await pipelineFiles(resolve(path));
  if (YAML.has(extname(path)) || MODULES.has(extname(path))) return [resolve(path)];
  const endings = [...YAML, ...MODULES].join(" ");
  throw new PipelineError(`${path}: expected a file that ends in one of ${endings}`, { file: path });
}

async function readYaml(file: string): Promise<Loaded> {
  try {
    // Loaded where a file asks for it: every module of a pipeline loads this one, and few read YAML.
    const { pipelineFromYaml } = await import("./yaml.ts");
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
