import { join } from "node:path";
import type { StageContext, SubStageContext } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import type { AgentAuthor } from "./author.ts";
import { type DesignDocument, toolKey } from "./documents.ts";
import { checked, writeArtifact } from "./files.ts";
import { libraryFiles } from "./libraries.ts";
import { toolFolder, toolPath } from "./paths.ts";
import { runNode } from "./process.ts";
import { readDesign, readRequirements, workOf } from "./stages.ts";

const CHECK_SECONDS = 60;

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

/** Writes one tool and lets Node say whether it is a module at all. */
async function developTool(
  ctx: StageContext,
  part: SubStageContext,
  design: DesignDocument,
  author: AgentAuthor,
  writeLibraries: (source: string) => Promise<void>,
) {
  const tool = checked(toolKey, part.sub_stage, "tool key");
  const source = await author.tool(tool, design, { ...workOf(ctx), signal: part.signal });
  const path = toolPath(design.agent_name, tool);
  await writeArtifact(part, ctx.workDir, { path, content: source, media_type: "text/javascript" });
  await writeLibraries(source);
  part.progress(50);
  const file = join(ctx.workDir, path);
  const check = await runNode(["--check", file], {
    cwd: ctx.workDir,
    signal: part.signal,
    timeout_seconds: CHECK_SECONDS,
  });
  ctx.metrics({ tool_calls: 2 });
  if (check.exit !== 0) {
    part.log(...check.stderr.split("\n").filter(Boolean));
    throw new StageError(
      `the tool ${tool} is not a valid module: ${check.ended_by ?? `node --check ended with ${check.exit}`}`,
    );
  }
  const bytes = Buffer.byteLength(source);
  part.log(`${path}: ${bytes} bytes, syntax checked`);
  return { tool, bytes };
}

/** Checking a tool is a process of its own; more at once would only take turns. */
const AT_ONCE = 4;

/**
 * The tools in parallel, a sub-stage each. After a failure no other tool is begun, and those that run end first, so
 * that no writer is left behind.
 */
export async function developTools(ctx: StageContext, author: AgentAuthor) {
  const { tools, agent_name } = await readRequirements(ctx);
  const design = await readDesign(ctx);
  const written = new Map<string, number>();
  const writeLibraries = libraryWriter(ctx, agent_name);
  const waiting = tools.map((tool) => tool.key);
  const work = async () => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      const { tool, bytes } = await ctx.subStage(key, (part) =>
        developTool(ctx, part, design, author, writeLibraries),
      );
      written.set(tool, bytes);
      ctx.progress((written.size / tools.length) * 100);
    }
  };
  const stopOthers = (error: unknown) => {
    waiting.length = 0;
    throw error;
  };
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, () => work().catch(stopOthers)));
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return {
    folder: toolFolder(agent_name),
    tools: tools.map(({ key }) => ({ tool: key, bytes: written.get(key) ?? 0 })),
  };
}
