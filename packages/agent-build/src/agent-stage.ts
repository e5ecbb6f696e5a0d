import { join } from "node:path";
import type { StageContext } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import { type AuthorChoice, sameAuthor } from "./choose-author.ts";
import { NOT_UNDERSTOOD, type UnmetPart } from "./documents.ts";
import { writeArtifact } from "./files.ts";
import { secretsOf } from "./offline/write-agent.ts";
import { agentPath, promptPath } from "./paths.ts";
import { runSelfTests } from "./self-test.ts";
import { shorten } from "./shorten.ts";
import { readDesign, readRequirements, workOf } from "./stages.ts";
import { networkTools } from "./tools-stage.ts";

/** Characters of a tool's description that the item keeps. */
const DESCRIPTION = 120;

/** Writes the agent and then runs it: a build is completed only with an agent that was seen to work. */
export async function developAgent(ctx: StageContext, choice: AuthorChoice) {
  const requirements = await readRequirements(ctx);
  const design = await readDesign(ctx);
  const author = sameAuthor(choice, ctx, requirements);
  const { entry, others } = await author.agent(requirements, design, await workOf(ctx));
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
  const passed = await runSelfTests(
    ctx,
    join(ctx.workDir, entry.path),
    design.self_tests,
    networkTools(design),
  );
  ctx.log(`self-tests: ${passed} of ${design.self_tests.length} passed`);
  return {
    agent: entry.path,
    run: `node ${entry.path} --help`,
    kind: author.kind,
    entry: entry.path,
    prompt: promptPath(requirements.agent_name),
    tools: requirements.tools.map(({ key, summary }) => {
      const designed = design.tools.find((tool) => tool.key === key);
      const description = designed?.description ?? summary[requirements.language];
      return {
        name: key,
        description: shorten(description.replace(/\s+/g, " "), DESCRIPTION),
        ...(designed?.input_schema !== undefined && { input_schema: designed.input_schema }),
      };
    }),
    secrets: secretsOf(design),
    self_tests: { passed, total: design.self_tests.length },
    unmet: [...new Set(requirements.unmet.map(unmetName))].slice(0, 20),
  };
}

/** The key of what is known and has no tool; of what nothing matched the words themselves. */
function unmetName({ capability, phrase }: UnmetPart): string {
  return capability === NOT_UNDERSTOOD ? shorten(phrase, 64) : capability;
}
