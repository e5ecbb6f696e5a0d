/** What the secret is, which must be nowhere in what the build leaves. */
export const GIVEN_SECRET = "s3cret-of-the-site";

/** A pipeline of a user: typed input, a secret, a gate. */
export const REVIEW_PIPELINE = `
import { definePipeline, type GateOutput, type StageContext } from "@stagefold/pipeline";
import { z } from "zod";

type Outputs = { approve: GateOutput<{ ok: boolean }> };

export default definePipeline({
  name: "review",
  input: z.object({ site: z.string(), pages: z.int().min(1).default(3) }),
  stages: [
    {
      stage: "fetch",
      secrets: ["SITE_TOKEN"],
      run: (ctx) => {
        ctx.log("the token is " + ctx.secret("SITE_TOKEN"));
        const site: string = ctx.input.site;
        // @ts-expect-error: the input has no such field
        ctx.input.sites;
        return { site };
      },
    },
    { stage: "approve", gate: { question: "Publish?", answer: z.object({ ok: z.boolean() }) } },
    {
      stage: "publish",
      output: z.object({ pages: z.number(), ok: z.boolean() }),
      run: (ctx: StageContext<Outputs, { site: string; pages: number }>) => ({
        pages: ctx.input.pages,
        ok: ctx.output("approve").answer.ok,
      }),
    },
  ],
});
`;

/** A program that gives the input and the answer; wrong ones do not compile. */
export const REVIEW_CLIENT = `
import { createClient, stageOutput } from "@stagefold/client";
import type review from "../pipelines/review.ts";

const client = createClient<typeof review>({ url: process.env.STAGEFOLD_URL ?? "" });
const { create, answer } = client.projects;

export const wrong = [
  // @ts-expect-error: pages is a number
  () => create({ pipeline: "review", input: { site: "example.org", pages: "3" } }),
  // @ts-expect-error: the site is missing
  () => create({ pipeline: "review", input: { pages: 3 } }),
  // @ts-expect-error: the answer is a yes or no
  (project_id: string) => answer({ project_id, stage: "approve", value: { ok: "yes" } }),
  // @ts-expect-error: this stage asks nothing
  (project_id: string) => answer({ project_id, stage: "fetch", value: { ok: true } }),
];

const { project_id } = await create({ pipeline: "review", input: { site: "example.org" } });
for await (const project of client.projects.watch({ project_id })) {
  if (project.status === "waiting") await answer({ project_id, stage: "approve", value: { ok: true } });
  if (project.status === "failed") throw new Error(project.error_info.message);
  if (project.status !== "completed") continue;
  const made = stageOutput(project, "publish");
  const pages: number | undefined = made?.pages;
  console.log(project_id, JSON.stringify({ pages, ok: made?.ok }));
  break;
}
`;

/** The same as a file without code. */
export const REVIEW_YAML = `
name: letter
input: { type: object, properties: { site: { type: string }, pages: { type: integer, default: 3 } }, required: [site] }
stages:
  - { stage: fetch, secrets: [SITE_TOKEN], command: 'echo "the token is $SITE_TOKEN"; echo "$STAGEFOLD_INPUT" > site.json', artifacts: [site.json] }
  - stage: approve
    gate:
      question: Publish?
      answer: { type: object, properties: { ok: { type: boolean } }, required: [ok] }
      accept: { ok: true }
  - { stage: publish, command: 'grep -q example.org site.json' }
`;
