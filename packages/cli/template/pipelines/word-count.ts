import { definePipeline } from "@stagefold/pipeline";
import { z } from "zod";

/** Counts the words of a requirement, and writes a report about them. */
export default definePipeline({
  name: "word-count",
  stages: [
    {
      stage: "count",
      stage_name: "Count words",
      output: z.object({ words: z.number(), longest: z.string() }),
      async run(ctx) {
        const words = ctx.project.requirement.split(/\s+/).filter((word) => word !== "");
        ctx.log(`found ${words.length} words`);
        const longest = words.reduce((one, other) => (other.length > one.length ? other : one), "");
        return { words: words.length, longest };
      },
    },
    {
      stage: "report",
      stage_name: "Write the report",
      output: z.object({ report: z.string() }),
      async run(ctx) {
        const { words, longest } = ctx.output("count", z.object({ words: z.number(), longest: z.string() }));
        await ctx.artifact("report.md", `# ${words} words\n\nThe longest is "${longest}".\n`);
        return { report: "report.md" };
      },
    },
  ],
});
