import { type StageContext, StageError } from "@stagefold/pipeline";
import { z } from "zod";
import type { AuthorChoice } from "./choose-author.ts";
import { requirementsOutput } from "./outputs.ts";
import { analyse, designAgent, designArchitecture } from "./stages.ts";

/** What a build may be given besides its requirement. */
export const buildInput = z.object({
  review: z.boolean().default(false).describe("Ask a person about the design before anything is made of it"),
});

/** What a reviewer may answer. */
export const reviewAnswer = z.object({
  approve: z.boolean().describe("Continue with this design"),
  changes: z.string().max(8000).optional().describe("What is to be different, in words"),
});

/** What was understood, and what would be made of it. */
export function reviewQuestion(ctx: StageContext): string {
  const { agent_name, purpose, tools, unmet, language } = ctx.output(
    "requirements_analysis",
    requirementsOutput,
  );
  const missing = unmet.map(({ phrase }) => phrase).join(", ");
  const lines =
    language === "zh"
      ? [
          `智能体 ${agent_name}：${purpose}`,
          `工具：${tools.join(", ")}`,
          missing && `不包含：${missing}`,
          "同意此设计，还是需要修改？",
        ]
      : [
          `Agent ${agent_name}: ${purpose}`,
          `Tools: ${tools.join(", ")}`,
          missing && `Left out: ${missing}`,
          "Approve this design, or say what to change.",
        ];
  return lines.filter(Boolean).join("\n");
}

/** Takes up what the reviewer wants changed: the requirement is analysed again with it, and designed anew. */
export async function reviseDesign(ctx: StageContext, choice: AuthorChoice) {
  const before = ctx.output("requirements_analysis", requirementsOutput);
  const { answer } = ctx.output("design_review", z.object({ answer: reviewAnswer }));
  const changes = answer.changes?.trim() ?? "";
  if (changes === "") {
    if (answer.approve) return { revised: false, tools: before.tools };
    const message = "The design was not approved, and no changes were asked for.";
    throw new StageError(message, { code: "GATE_REFUSED", final: true });
  }
  ctx.log(...changes.split("\n").map((line) => `to change: ${line}`));
  const requirement = `${ctx.project.requirement}\n\n${changes}`;
  const { tools } = await analyse(ctx, choice, requirement, before.agent_name);
  await designArchitecture(ctx, choice);
  await designAgent(ctx, choice);
  return { revised: true, tools };
}
