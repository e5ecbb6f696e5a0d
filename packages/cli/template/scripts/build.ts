// npm run build -- "some words": creates a build, shows its progress, and prints what it made.
import { createClient, stageOutput } from "@stagefold/client";
import type pipeline from "../pipelines/word-count.ts";

const client = createClient<typeof pipeline>({
  url: process.env.STAGEFOLD_URL ?? "http://127.0.0.1:4000",
  key: process.env.STAGEFOLD_KEY,
});

async function build(requirement: string) {
  const { project_id } = await client.projects.create({ requirement, pipeline: "word-count" });

  for await (const project of client.projects.watch({ project_id })) {
    console.log(`${project.status} ${project.progress_percentage} %`);
    if (project.status === "failed" || project.status === "cancelled") {
      console.error(project.status === "failed" ? project.error_info.message : "it was cancelled");
      process.exitCode = 1;
      break;
    }
    if (project.status === "completed") {
      console.log(`${stageOutput(project, "count")?.words} words`);
      const report = await client.artifacts.download({ project_id, path: "report.md" });
      console.log(await report.text());
      break;
    }
  }
}

// Not awaited here: a project of CommonJS has no await outside of functions.
void build(process.argv[2] ?? "Count the words of this sentence");
