import type { StageContext } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import { stringify } from "yaml";
import { z } from "zod";
import type { AuthorWork, CurrentVersion } from "./author.ts";
import { type AuthorChoice, chooseAuthor, sameAuthor } from "./choose-author.ts";
import { readCurrentVersion } from "./current-version.ts";
import {
  architectureDocument,
  type DesignDocument,
  designDocument,
  requirementsDocument,
  type UnmetPart,
} from "./documents.ts";
import { checked, readDocument, writeArtifact, writeDocument } from "./files.ts";
import { requirementsOutput } from "./outputs.ts";
import { documentPath, promptPath } from "./paths.ts";
import { shorten } from "./shorten.ts";

const UNMET_BYTES = 800;

export const workOf = async (ctx: StageContext): Promise<AuthorWork> => ({
  signal: ctx.signal,
  current: await readCurrentVersion(ctx),
  log: (...lines) => ctx.log(...lines),
  used: (metrics) => ctx.metrics(metrics),
});

/** As many unmet parts as the item can carry; those that were recognised come first. */
function unmetForItem(parts: readonly UnmetPart[]): { capability: string; phrase: string }[] {
  const kept: { capability: string; phrase: string }[] = [];
  let bytes = 0;
  for (const part of parts) {
    const entry = { capability: part.capability, phrase: shorten(part.phrase, 30) };
    bytes += Buffer.byteLength(JSON.stringify(entry));
    if (bytes > UNMET_BYTES) break;
    kept.push(entry);
  }
  return kept;
}

const agentOf = (ctx: StageContext) => ctx.output("requirements_analysis", requirementsOutput).agent_name;

export const readRequirements = (ctx: StageContext) =>
  readDocument(ctx, documentPath(agentOf(ctx), "requirements"), requirementsDocument);

export const readDesign = (ctx: StageContext) =>
  readDocument(ctx, documentPath(agentOf(ctx), "design"), designDocument);

export async function analyseRequirements(ctx: StageContext, choice: AuthorChoice) {
  return await analyse(ctx, choice, ctx.project.requirement);
}

/** `agent_name` is that of the agent whose requirements are analysed again: its files keep their names. */
export async function analyse(
  ctx: StageContext,
  choice: AuthorChoice,
  requirement: string,
  agent_name?: string,
) {
  const author = chooseAuthor(choice, ctx);
  const { project_name } = ctx.project;
  ctx.log(`author: ${author.name}`, `requirement: ${Array.from(requirement).length} characters`);
  const work = await workOf(ctx);
  const written = await author.analyse({ requirement, project_name }, work);
  // A version of an agent has the name of the one before: its files lie in the same places.
  const kept = work.current && { agent_name: work.current.requirements.agent_name };
  const analysed = checked(
    requirementsDocument,
    { author: author.name, ...written, ...kept },
    "requirements document",
  );
  const document = agent_name === undefined ? analysed : { ...analysed, agent_name };
  ctx.progress(60);
  const path = documentPath(document.agent_name, "requirements");
  await writeDocument(ctx, path, document);
  ctx.log(`agent: ${document.agent_name}`, `tools: ${document.tools.map((tool) => tool.key).join(", ")}`);
  for (const part of document.unmet)
    ctx.log(`unmet: ${part.name.en}: ${JSON.stringify(shorten(part.phrase, 60))}`);
  ctx.metrics({ tool_calls: 1 });
  return {
    agent_name: document.agent_name,
    purpose: document.purpose,
    language: document.language,
    tools: document.tools.map((tool) => tool.key),
    unmet: unmetForItem(document.unmet),
    unmet_total: document.unmet.length + document.unmet_omitted,
    document: path,
  };
}

export async function designArchitecture(ctx: StageContext, choice: AuthorChoice) {
  const requirements = await readRequirements(ctx);
  const author = sameAuthor(choice, ctx, requirements);
  const written = await author.architect(requirements, await workOf(ctx));
  const document = checked(architectureDocument, written, "architecture document");
  ctx.progress(60);
  const path = documentPath(requirements.agent_name, "architecture");
  await writeDocument(ctx, path, document);
  ctx.log(...document.components.map((component) => `component: ${component.kind} ${component.path}`));
  ctx.metrics({ tool_calls: 1 });
  return { components: document.components.map((component) => component.name), document: path };
}

/** The tests of the version before hold on, for the tools that are still there. */
function withEarlierTests(
  design: DesignDocument,
  current: CurrentVersion | undefined,
): DesignDocument["self_tests"] {
  const keys = new Set(design.tools.map((tool) => tool.key));
  const known = new Set(design.self_tests.map((test) => JSON.stringify(test)));
  const earlier = (current?.design.self_tests ?? []).filter(
    (test) => keys.has(test.tool) && !known.has(JSON.stringify(test)),
  );
  return [...design.self_tests, ...earlier];
}

export async function designAgent(ctx: StageContext, choice: AuthorChoice) {
  const requirements = await readRequirements(ctx);
  const author = sameAuthor(choice, ctx, requirements);
  const architecture = await readDocument(
    ctx,
    documentPath(requirements.agent_name, "architecture"),
    architectureDocument,
  );
  const work = await workOf(ctx);
  const written = await author.design(requirements, architecture, work);
  const designed = checked(designDocument, written, "design document");
  const document = { ...designed, self_tests: withEarlierTests(designed, work.current) };
  for (const { key } of requirements.tools) {
    if (document.self_tests.some((test) => test.tool === key)) continue;
    throw new StageError(`expected a self-test for the tool ${key} in the author's design, found none`);
  }
  ctx.progress(60);
  const path = documentPath(requirements.agent_name, "design");
  await writeDocument(ctx, path, document);
  ctx.log(...document.routes.map((route) => `route: ${route.rule} -> ${route.tool}`));
  ctx.log(`self-tests: ${document.self_tests.length}`);
  ctx.metrics({ tool_calls: 1 });
  return {
    routes: document.routes.map((route) => route.tool),
    self_tests: document.self_tests.length,
    document: path,
  };
}

export async function writePrompt(ctx: StageContext, choice: AuthorChoice) {
  const requirements = await readRequirements(ctx);
  const author = sameAuthor(choice, ctx, requirements);
  const written = await author.prompt(requirements, await readDesign(ctx), await workOf(ctx));
  const prompt = checked(z.record(z.string(), z.unknown()), written, "prompt");
  ctx.progress(60);
  const path = promptPath(requirements.agent_name);
  const content = stringify(prompt, { lineWidth: 110 });
  await writeArtifact(ctx, ctx.workDir, { path, content, media_type: "application/yaml" });
  ctx.log(`prompt: ${path}, ${content.length} characters`);
  ctx.metrics({ tool_calls: 1 });
  return { prompt: path, characters: content.length };
}
