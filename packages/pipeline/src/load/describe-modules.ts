import type { Pipeline, StageDefinition } from "../definition.ts";
import { definitionDigest } from "../digest.ts";
import { isPipelineError } from "../errors.ts";
import { createModuleLoader, pipelinesFromModule } from "./module.ts";
import type { ModuleMessage } from "./module-process.ts";
import { sourceDigest } from "./source.ts";

/*
 * A process that loads modules of users, so that none of them can end, block or change an API or a worker. Its arguments:
 * the modules that they may import by name, as JSON, then the files. It says what each file defines.
 */
const [others = "{}", ...files] = process.argv.slice(2);
// The one who wants to know is gone.
process.on("disconnect", () => process.exit(1));

const loader = createModuleLoader(async () => {
  const shared: Record<string, unknown> = {};
  for (const [name, url] of Object.entries(JSON.parse(others))) shared[name] = await import(String(url));
  return shared;
});
for (const file of files) {
  await say({ kind: "loading", file });
  await say(await describe(file));
}
process.exit(0);

async function describe(file: string): Promise<ModuleMessage> {
  try {
    const pipelines = await pipelinesFromModule(file, loader);
    const source = await sourceDigest(file);
    return {
      kind: "loaded",
      file,
      pipelines: pipelines.map((pipeline) => descriptionOf(pipeline, { file, source })),
    };
  } catch (error) {
    if (!isPipelineError(error)) throw error;
    return { kind: "refused", file, message: error.message, mistake: { ...error.mistake } };
  }
}

/** Without its functions and schemas, which only the process that runs a stage needs. */
function descriptionOf(pipeline: Pipeline, module: Module): Pipeline {
  const { stages, ...head } = pipeline;
  const described = {
    ...head,
    stages: stages.map(({ output: _, action, ...stage }) => ({
      ...stage,
      action: describedAction(action, module),
    })),
  };
  // A version that was given stays; one that names the definition also names what the module imports.
  const isGiven = pipeline.version !== definitionDigest(pipeline);
  return isGiven ? described : { ...described, version: definitionDigest(described) };
}

interface Module {
  readonly file: string;
  readonly source: string;
}

function describedAction(action: StageDefinition["action"], module: Module): StageDefinition["action"] {
  if (action.kind === "run") return { kind: "module", ...module };
  if (action.kind === "gate" && typeof action.asks === "function")
    return { ...action, asks: { module: module.file, source: module.source } };
  return action;
}

function say(message: ModuleMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) throw new Error("Expected to be started with a channel.");
    process.send(message, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}
