import { readFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkPipeline, sentence } from "../check.ts";
import type { Pipeline } from "../definition.ts";
import { isPipelineError, PipelineError } from "../errors.ts";

/** Loads modules of users; transpiles TypeScript on the way, without a build step and without files left behind. */
export type ModuleLoader = (path: string) => Promise<unknown>;

/**
 * Makes a loader. JavaScript that finds what it imports beside itself is loaded as it is. Anything else is transpiled
 * where it needs to be, and finds `@stagefold/pipeline`, `zod` and the `others` by name, also in a folder without
 * node_modules. `others` gives them when they are first needed.
 */
export function createModuleLoader(
  others: () => Promise<Readonly<Record<string, unknown>>> = async () => ({}),
): ModuleLoader {
  let transpiling: Promise<ModuleLoader> | undefined;
  return async (path) => {
    if (await isPlainModule(path))
      try {
        return await import(pathToFileURL(path).href);
      } catch {
        // Such as an import that only the other way finds, or an error of the module's own, which comes again.
      }
    transpiling ??= transpilingLoader(others);
    return (await transpiling)(path);
  };
}

/** It costs more to load than most pipelines do, so a process that loads only plain modules does without it. */
async function transpilingLoader(others: () => Promise<object>): Promise<ModuleLoader> {
  const [self, zod, { createJiti }] = await Promise.all([
    import("../index.ts"),
    import("zod"),
    import("jiti"),
  ]);
  const jiti = createJiti(import.meta.url, {
    fsCache: false,
    interopDefault: false,
    virtualModules: { ...(await others()), "@stagefold/pipeline": self, zod, "zod/v4": zod },
  });
  return (path) => jiti.import(path);
}

/** Whether Node takes a file as an ES module without a look into it. */
async function isPlainModule(file: string): Promise<boolean> {
  const ending = extname(file);
  if (ending !== ".js") return ending === ".mjs";
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const manifest: unknown = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
      return isRecord(manifest) && manifest.type === "module";
    } catch {
      if (folder === dirname(folder)) return false;
    }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** Something exported that is meant as a pipeline, be it defined or only written down. */
const looksLikePipeline = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) && typeof value.name === "string" && Array.isArray(value.stages);

const isDefined = (value: Record<string, unknown>): boolean =>
  typeof value.version === "string" &&
  Array.isArray(value.stages) &&
  value.stages.every((stage: unknown) => isRecord(stage) && isRecord(stage.action));

const isPipeline = (value: unknown): value is Pipeline => looksLikePipeline(value) && isDefined(value);

function toPipeline(value: Record<string, unknown>, file: string): Pipeline {
  if (isPipeline(value)) return value;
  const checked = checkPipeline(value);
  if ("pipeline" in checked) return checked.pipeline;
  const { message, mistake } = sentence(value, checked.finding, { file });
  throw new PipelineError(message, mistake);
}

async function load(file: string, loader: ModuleLoader): Promise<unknown> {
  try {
    return await loader(file);
  } catch (cause) {
    const line = lineIn(cause, file);
    const place = line === undefined ? { file } : { file, line };
    const at = line === undefined ? file : `${file}:${line}`;
    if (isPipelineError(cause))
      throw new PipelineError(`${at}: ${cause.message}`, { ...cause.mistake, ...place }, { cause });
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new PipelineError(`${at}: cannot be loaded: ${reason}`, place, { cause });
  }
}

/** The first line of the module's own in an error's stack. */
function lineIn(cause: unknown, file: string): number | undefined {
  const stack = cause instanceof Error ? (cause.stack ?? "") : "";
  const at = stack.indexOf(`${file}:`);
  const line = at < 0 ? Number.NaN : Number.parseInt(stack.slice(at + file.length + 1), 10);
  return Number.isNaN(line) ? undefined : line;
}

/** The pipelines that a module exports, by default or by any name, each once. Throws a PipelineError if it has none. */
export async function pipelinesFromModule(file: string, loader: ModuleLoader): Promise<Pipeline[]> {
  const loaded = await load(file, loader);
  const exported: [string, unknown][] = isRecord(loaded) ? Object.entries(loaded) : [];
  const found = new Set(exported.map(([, value]) => value).filter(looksLikePipeline));
  if (found.size === 0) {
    const names = exported.map(([name]) => name).join(", ") || "no exports";
    throw new PipelineError(`${file}: expected an exported pipeline (definePipeline), found ${names}`, {
      file,
    });
  }
  return [...found].map((value) => toPipeline(value, file));
}
