import { definePipeline, StageError } from "@stagefold/pipeline";
import { z } from "zod";

const parts = z.object({ parts: z.array(z.string()) });
const counted = z.object({ counts: z.array(z.object({ words: z.number(), longest: z.string() })) });
const report = z.object({ words: z.number(), longest: z.string() });

/** Splits the requirement into paragraphs, counts the words of each in parallel and writes a report. */
export default definePipeline({
  name: "word-report",
  description: { en: "Counts the words of a text, part by part", zh: "分段统计文本的单词数" },
  stages: [
    {
      stage: "split",
      stage_name: { en: "Split the text", zh: "拆分文本" },
      output: parts,
      run: (ctx) => {
        const found = ctx.project.requirement.split(/\n\s*\n/).filter((part) => part.trim() !== "");
        // Trying again would find the same text: the failure is final.
        if (found.length === 0) throw new StageError("expected a text to count, found none", { final: true });
        ctx.log(`${found.length} parts`);
        return { parts: found.slice(0, 20) };
      },
    },
    {
      stage: "count",
      stage_name: { en: "Count each part", zh: "统计各段" },
      weight: 3,
      timeout_seconds: 60,
      retry: { attempts: 2, backoff_seconds: 1 },
      output: counted,
      run: async (ctx) => {
        const all = ctx.output("split", parts).parts;
        // Sub-stages run at the same time; each is recorded as started and completed by itself.
        const counts = await Promise.all(
          all.map((text, index) =>
            ctx.subStage(`part_${index + 1}`, async (part) => {
              const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
              const longest = words.reduce((best, word) => (word.length > best.length ? word : best), "");
              await part.artifact(`parts/${index + 1}.txt`, text, { media_type: "text/plain" });
              part.log(`part ${index + 1}: ${words.length} words`);
              return { words: words.length, longest };
            }),
          ),
        );
        ctx.metrics({ tool_calls: counts.length });
        return { counts };
      },
    },
    {
      stage: "report",
      stage_name: { en: "Write the report", zh: "撰写报告" },
      output: report,
      run: async (ctx) => {
        const { counts } = ctx.output("count", counted);
        const words = counts.reduce((sum, part) => sum + part.words, 0);
        const longest = counts.reduce(
          (best, part) => (part.longest.length > best.length ? part.longest : best),
          "",
        );
        const lines = counts.map((part, index) => `| ${index + 1} | ${part.words} | ${part.longest} |`);
        const table = ["| part | words | longest |", "|---|---|---|", ...lines, ""].join("\n");
        await ctx.artifact("report.md", `# ${words} words\n\n${table}`, { media_type: "text/markdown" });
        ctx.progress(100);
        return { words, longest };
      },
    },
  ],
});
