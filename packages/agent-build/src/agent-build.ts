import { definePipeline } from "@stagefold/pipeline";
import { developAgent } from "./agent-stage.ts";
import type { AuthorChoice } from "./choose-author.ts";
import { modelAuthor } from "./model/author.ts";
import { offlineAuthor } from "./offline/author.ts";
import {
  agentOutput,
  architectureOutput,
  designOutput,
  promptOutput,
  requirementsOutput,
  revisionOutput,
  toolsOutput,
} from "./outputs.ts";
import { buildInput, reviewAnswer, reviewQuestion, reviseDesign } from "./review.ts";
import { analyseRequirements, designAgent, designArchitecture, writePrompt } from "./stages.ts";
import { developTools } from "./tools-stage.ts";

const RETRY = { attempts: 3, backoff_seconds: 5, final_codes: ["OUTPUT_INVALID"] } as const;
const TIMEOUT_SECONDS = 600;
/** A language model writes several tools, and repairs them. */
const TOOLS_SECONDS = 3600;

/**
 * The six stages that make an agent of a requirement, and a review of the design where the input asks for it. The author
 * writes all text and code.
 */
export function createAgentBuild({ author }: { readonly author: AuthorChoice }) {
  return definePipeline({
    name: "agent-build",
    publishes: "agent",
    // Its functions read differently in each program that carries them.
    version: "2",
    description: { en: "Builds an AI agent from a requirement", zh: "根据需求构建智能体" },
    input: buildInput,
    requirement: "required",
    stages: [
      {
        stage: "requirements_analysis",
        stage_name: { en: "Requirements analysis", zh: "需求分析" },
        agent_name: "requirements_analysis",
        weight: 1,
        timeout_seconds: TIMEOUT_SECONDS,
        retry: RETRY,
        output: requirementsOutput,
        run: (ctx) => analyseRequirements(ctx, author),
      },
      {
        stage: "system_architecture",
        stage_name: { en: "System architecture", zh: "系统架构设计" },
        agent_name: "system_architecture",
        weight: 1,
        timeout_seconds: TIMEOUT_SECONDS,
        retry: RETRY,
        output: architectureOutput,
        run: (ctx) => designArchitecture(ctx, author),
      },
      {
        stage: "agent_design",
        stage_name: { en: "Agent design", zh: "Agent设计" },
        agent_name: "agent_design",
        weight: 1,
        timeout_seconds: TIMEOUT_SECONDS,
        retry: RETRY,
        output: designOutput,
        run: (ctx) => designAgent(ctx, author),
      },
      {
        stage: "design_review",
        stage_name: { en: "Design review", zh: "设计评审" },
        when: { review: true },
        gate: { question: (ctx) => reviewQuestion(ctx), answer: reviewAnswer },
      },
      {
        stage: "design_revision",
        stage_name: { en: "Design revision", zh: "设计修订" },
        agent_name: "agent_design",
        when: { review: true },
        timeout_seconds: TIMEOUT_SECONDS,
        retry: RETRY,
        output: revisionOutput,
        run: (ctx) => reviseDesign(ctx, author),
      },
      {
        stage: "prompt_engineer",
        stage_name: { en: "Prompt engineering", zh: "提示词工程" },
        agent_name: "prompt_engineer",
        weight: 1,
        timeout_seconds: TIMEOUT_SECONDS,
        retry: RETRY,
        output: promptOutput,
        run: (ctx) => writePrompt(ctx, author),
      },
      {
        stage: "tools_developer",
        stage_name: { en: "Tool development", zh: "工具开发" },
        agent_name: "tools_developer",
        weight: 3,
        timeout_seconds: TOOLS_SECONDS,
        retry: RETRY,
        output: toolsOutput,
        run: (ctx) => developTools(ctx, author),
      },
      {
        stage: "agent_code_developer",
        stage_name: { en: "Agent code", zh: "代码开发" },
        agent_name: "agent_code_developer",
        weight: 3,
        timeout_seconds: TIMEOUT_SECONDS,
        retry: RETRY,
        output: agentOutput,
        run: (ctx) => developAgent(ctx, author),
      },
    ],
  });
}

/**
 * The built-in pipeline. The author is the worker's language model where it has one; else it works without network and
 * model, from a catalogue of tools.
 */
export const agentBuild = createAgentBuild({
  author: (model) => (model === undefined ? offlineAuthor : modelAuthor(model)),
});
