import type { StageContext } from "@stagefold/pipeline";
import { StageError } from "@stagefold/pipeline";
import { stringify } from "yaml";
import { z } from "zod";
import type { AgentAuthor, AuthorWork } from "./author.ts";
import { architectureDocument, designDocument, requirementsDocument, type UnmetPart } from "./documents.ts";
import { checked, readDocument, writeArtifact, writeDocument } from "./files.ts";
import { requirementsOutput } from "./outputs.ts";
import { documentPath, promptPath } from "./paths.ts";
import { shorten } from "./shorten.ts";

const UNMET_BYTES = 800;

export const workOf = (ctx: StageContext): AuthorWork => ({
  signal: ctx.signal,
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

export async function analyseRequirements(ctx: StageContext, author: AgentAuthor) {
  const { requirement, project_name } = ctx.project;
  ctx.log(`author: ${author.name}`, `requirement: ${Array.from(requirement).length} characters`);
  const written = await author.analyse({ requirement, project_name }, workOf(ctx));
  const document = checked(requirementsDocument, written, "requirements document");
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

export async function designArchitecture(ctx: StageContext, author: AgentAuthor) {
  const requirements = await readRequirements(ctx);
  const written = await author.architect(requirements, workOf(ctx));
  const document = checked(architectureDocument, written, "architecture document");
  ctx.progress(60);
  const path = documentPath(requirements.agent_name, "architecture");
  await writeDocument(ctx, path, document);
  ctx.log(...document.components.map((component) => `component: ${component.kind} ${component.path}`));
  ctx.metrics({ tool_calls: 1 });
  return { components: document.components.map((component) => component.name), document: path };
}

export async function designAgent(ctx: StageContext, author: AgentAuthor) {
  const requirements = await readRequirements(ctx);
  const architecture = await readDocument(
    ctx,
    documentPath(requirements.agent_name, "architecture"),
    architectureDocument,
  );
  const written = await author.design(requirements, architecture, workOf(ctx));
  const document = checked(designDocument, written, "design document");
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

export async function writePrompt(ctx: StageContext, author: AgentAuthor) {
  const requirements = await readRequirements(ctx);
  const written = await author.prompt(requirements, await readDesign(ctx), workOf(ctx));
  const prompt = checked(z.record(z.string(), z.unknown()), written, "prompt");
  ctx.progress(60);
  const path = promptPath(requirements.agent_name);
  const content = stringify(prompt, { lineWidth: 110 });
  await writeArtifact(ctx, ctx.workDir, { path, content, media_type: "application/yaml" });
  ctx.log(`prompt: ${path}, ${content.length} characters`);
  ctx.metrics({ tool_calls: 1 });
  return { prompt: path, characters: content.length };
}
