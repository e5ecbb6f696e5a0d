import { join } from "node:path";
import type { StageContext } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import type { AgentAuthor } from "./author.ts";
import { writeArtifact } from "./files.ts";
import { agentPath } from "./paths.ts";
import { runSelfTests } from "./self-test.ts";
import { readDesign, readRequirements, workOf } from "./stages.ts";

/** Writes the agent and then runs it: a build is completed only with an agent that was seen to work. */
export async function developAgent(ctx: StageContext, author: AgentAuthor) {
  const requirements = await readRequirements(ctx);
  const design = await readDesign(ctx);
  const { entry, others } = await author.agent(requirements, design, workOf(ctx));
  const expected = agentPath(requirements.agent_name);
  if (entry.path !== expected) {
    throw new StageError(`expected the author's agent at ${expected}, found ${entry.path}`);
  }
  for (const file of [entry, ...others]) {
    await writeArtifact(ctx, ctx.workDir, file);
    ctx.metrics({ tool_calls: 1 });
    ctx.log(`${file.path}: ${Buffer.byteLength(file.content)} bytes`);
  }
  ctx.progress(30);
  const passed = await runSelfTests(ctx, join(ctx.workDir, entry.path), design.self_tests, new Set());
  ctx.log(`self-tests: ${passed} of ${design.self_tests.length} passed`);
  return {
    agent: entry.path,
    run: `node ${entry.path} --help`,
    self_tests: { passed, total: design.self_tests.length },
    unmet: [...new Set(requirements.unmet.map((part) => part.capability))].slice(0, 20),
  };
}
