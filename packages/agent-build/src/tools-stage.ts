import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { StageContext, SubStageContext } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import type { AgentAuthor, AuthorWork } from "./author.ts";
import { type AuthorChoice, sameAuthor } from "./choose-author.ts";
import { type DesignDocument, toolKey } from "./documents.ts";
import { checked, writeArtifact } from "./files.ts";
import { libraryFiles } from "./libraries.ts";
import { toolFolder, toolPath } from "./paths.ts";
import { runNode } from "./process.ts";
import { firstFailure } from "./self-test.ts";
import { readDesign, readRequirements, workOf } from "./stages.ts";

const CHECK_SECONDS = 60;
/** How often the author may put a tool right before the stage fails. */
const MAX_REPAIRS = 3;
/** What an author gets to know of an error. */
const MAX_PROBLEM = 4000;

const RUNTIME = new URL("../assets/agent/runtime.mjs", import.meta.url).href;

interface ToolShop {
  readonly ctx: StageContext;
  readonly design: DesignDocument;
  readonly author: AgentAuthor;
  readonly work: AuthorWork;
  readonly writeLibraries: (source: string) => Promise<void>;
}

/** Writes the libraries that tools load, each once, however many tools load it. */
function libraryWriter(ctx: StageContext, agent: string) {
  const written = new Map<string, Promise<void>>();
  return async (source: string): Promise<void> => {
    const files = await libraryFiles(agent, source);
    const writing = files.map((file) => {
      const known = written.get(file.path) ?? writeArtifact(ctx, ctx.workDir, file);
      written.set(file.path, known);
      return known;
    });
    await Promise.all(writing);
  };
}

/** What Node says of a module that is none; undefined for one that is. */
async function syntaxProblem({ ctx }: ToolShop, part: SubStageContext, path: string) {
  const { workDir } = ctx;
  const options = { cwd: workDir, signal: part.signal, timeout_seconds: CHECK_SECONDS };
  const { exit, stderr, ended_by } = await runNode(["--check", join(workDir, path)], options);
  ctx.metrics({ tool_calls: 1 });
  if (exit === 0) return undefined;
  return `it is not a valid module: ${ended_by ?? `node --check ended with ${exit}`}\n${stderr.trim()}`;
}

/** What is wrong with a tool by its own self-tests, run by the runtime of agents; undefined if nothing is. */
async function testProblem({ ctx, design }: ToolShop, part: SubStageContext, tool: string, path: string) {
  const folder = join(ctx.workDir, `.tool-check-${tool}`);
  await mkdir(folder, { recursive: true });
  const entry = join(folder, "entry.mjs");
  const manifest = { agent_name: design.agent_name, purpose: "", language: "en", tools: [], unmet: [] };
  const module = pathToFileURL(join(ctx.workDir, path)).href;
  await writeFile(
    entry,
    `import * as tool from ${JSON.stringify(module)};
import { main } from ${JSON.stringify(RUNTIME)};
await main(${JSON.stringify(manifest)}, [tool], process.argv.slice(2));
`,
  );
  try {
    const failed = await firstFailure({
      entry,
      tests: design.self_tests.filter((test) => test.tool === tool),
      workDir: ctx.workDir,
      signal: part.signal,
      network: networkTools(design),
      onPassed: () => ctx.metrics({ tool_calls: 1 }),
    });
    if (failed === undefined) return undefined;
    const { test, wrong, finished } = failed;
    return `self-test ${JSON.stringify(test)}: ${wrong}\n${finished.stderr.trim()}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether its author wrote it for this agent: such a tool is a module for itself, whose input has a schema. */
const isOwn = (design: DesignDocument, tool: string): boolean =>
  design.tools.some((one) => one.key === tool && one.input_schema !== undefined);

/** The tools whose design asks for the network. */
export const networkTools = (design: DesignDocument): ReadonlySet<string> =>
  new Set(design.tools.filter((tool) => tool.network).map((tool) => tool.key));

/** Writes one tool, and lets its author put it right until Node takes it and its self-tests pass. */
async function developTool(shop: ToolShop, part: SubStageContext) {
  const { ctx, design, author, writeLibraries } = shop;
  const work = { ...shop.work, signal: part.signal };
  const tool = checked(toolKey, part.sub_stage, "tool key");
  const path = toolPath(design.agent_name, tool);
  let source = await author.tool(tool, design, work);
  for (let attempt = 1; ; attempt++) {
    await writeArtifact(part, ctx.workDir, { path, content: source, media_type: "text/javascript" });
    const problem =
      (await writeLibraries(source).then(
        () => undefined,
        (error: unknown) => sentenceOf(error),
      )) ??
      (await syntaxProblem(shop, part, path)) ??
      // Tools of the catalogue import each other: they are tested when the agent is whole.
      (isOwn(design, tool) ? await testProblem(shop, part, tool, path) : undefined);
    ctx.metrics({ tool_calls: 1 });
    if (problem === undefined) break;
    part.log(...problem.split("\n"));
    const told = problem.replaceAll(`${ctx.workDir}/`, "").slice(0, MAX_PROBLEM);
    const broken = { source, problem: told, attempt };
    const repaired = attempt > MAX_REPAIRS ? undefined : await author.repair(tool, broken, design, work);
    if (repaired === undefined)
      throw new StageError(`the tool ${tool} does not work: ${problem.split("\n")[0]}`);
    part.log(`repair ${attempt} of ${MAX_REPAIRS} at most`);
    source = repaired;
  }
  const bytes = Buffer.byteLength(source);
  part.log(`${path}: ${bytes} bytes, checked`);
  return { tool, bytes };
}

function sentenceOf(error: unknown): string {
  if (error instanceof StageError) return error.message;
  throw error;
}

/** Checking a tool is a process of its own; more at once would only take turns. */
const AT_ONCE = 4;

/**
 * The tools in parallel, a sub-stage each. After a failure no other tool is begun, and those that run end first, so
 * that no writer is left behind.
 */
export async function developTools(ctx: StageContext, choice: AuthorChoice) {
  const requirements = await readRequirements(ctx);
  const { tools, agent_name } = requirements;
  const design = await readDesign(ctx);
  const author = sameAuthor(choice, ctx, requirements);
  const writeLibraries = libraryWriter(ctx, agent_name);
  const shop = { ctx, design, author, work: await workOf(ctx), writeLibraries };
  const written = new Map<string, number>();
  const waiting = tools.map((tool) => tool.key);
  const develop = async () => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      const { tool, bytes } = await ctx.subStage(key, (part) => developTool(shop, part));
      written.set(tool, bytes);
      ctx.progress((written.size / tools.length) * 100);
    }
  };
  const stopOthers = (error: unknown) => {
    waiting.length = 0;
    throw error;
  };
  const results = await Promise.allSettled(
    Array.from({ length: AT_ONCE }, () => develop().catch(stopOthers)),
  );
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return {
    folder: toolFolder(agent_name),
    tools: tools.map(({ key }) => ({ tool: key, bytes: written.get(key) ?? 0 })),
  };
}
