import { basename } from "node:path";
import { canonicalJson, limitsSchema, StagefoldError, textSchema } from "@stagefold/core";
import { definitionDigest, describeDefinition, type Pipeline } from "@stagefold/pipeline";
import { DefinitionArchive } from "@stagefold/runtime/worker-directory";
import { z } from "zod";
import { listFields, pageOf, pageSchema } from "../pagination.ts";
import { procedure, router } from "../trpc.ts";

/** One text, or one per language: `{ en: "Tests", zh: "测试" }`. */
const localisedText = z.union([z.string(), z.record(z.string(), z.string())]);

export const pipelineSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: localisedText.optional(),
  /** Builds that may run at the same time. */
  max_running: z.number().optional(),
  /** JSON Schema of what a build may be given; none: nothing but its requirement. */
  input_schema: z.record(z.string(), z.unknown()).optional(),
  requirement: z.enum(["required", "optional"]),
  limits: limitsSchema.optional(),
  retention_days: z.number().optional(),
  stages: z.array(
    z.object({
      stage: z.string(),
      stage_name: localisedText,
      weight: z.number(),
      agent_name: z.string().optional(),
      timeout_seconds: z.number(),
      /** Builds have the stage only if their input has these values. */
      when: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
      /** Stages that must be finished before it begins; absent: all earlier ones. */
      needs: z.array(z.string()).readonly().optional(),
      /** It is skipped unless this expression holds. */
      if: z.string().optional(),
      /** It runs after all others, also when the build is failing. */
      finally: z.boolean().optional(),
      /** The build continues when it has failed. */
      allow_failure: z.boolean().optional(),
      /** `command`, `gate`, or `run`: a function. */
      kind: z.enum(["run", "command", "gate"]),
      /** JSON Schema of what answers a gate. */
      answer_schema: z.record(z.string(), z.unknown()).optional(),
      retry: z.object({
        attempts: z.number(),
        backoff_seconds: z.number(),
        final_codes: z.array(z.string()).readonly().optional(),
      }),
    }),
  ),
});

export const definitionSchema = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  /** Whether new builds run it. */
  is_present: z.boolean(),
  /** When a worker had it first; absent for the present one. */
  first_seen_at: z.string().optional(),
  /** Keys, commands, names of environment variables, gates and digests of sources, as JSON. */
  definition: z.record(z.string(), z.unknown()),
});

export const problemSchema = z.object({
  file: z.string(),
  message: z.string(),
  line: z.number().optional(),
  pipeline: z.string().optional(),
  stage: z.string().optional(),
  field: z.string().optional(),
  expected: z.string().optional(),
  found: z.string().optional(),
});

function described({ stages, input, ...pipeline }: Pipeline) {
  return {
    ...pipeline,
    ...(input && { input_schema: input }),
    stages: stages.map(({ action, ...stage }) => ({
      ...stage,
      kind: action.kind === "module" ? "run" : action.kind,
      ...(action.kind === "gate" && action.answer && { answer_schema: action.answer }),
    })),
  };
}

export const pipelines = router({
  list: procedure
    .input(z.object(listFields()).prefault({}))
    .output(pageSchema(pipelineSchema))
    .query(({ ctx, input }) => {
      const all = ctx.pipelines.list().map((pipeline) => pipelineSchema.parse(described(pipeline)));
      return pageOf("pipelines", all, input);
    }),

  /**
   * The definition of a pipeline: the present one, or of a `version` (a digest, as attempts have it in `definition`) any
   * that a worker ever had. Errors: PIPELINE_NOT_FOUND.
   */
  get: procedure
    .input(z.object({ name: textSchema(64, 1), version: textSchema(64, 1).optional() }))
    .output(definitionSchema)
    .query(async ({ ctx, input: { name, version } }) => {
      const present = ctx.pipelines.get(name);
      const digest = present && definitionDigest(present);
      if (present && digest && [undefined, digest, present.version].includes(version)) {
        const definition = definitionSchema.shape.definition.parse(
          JSON.parse(canonicalJson(describeDefinition(present))),
        );
        return { name, version: present.version, digest, is_present: true, definition };
      }
      const archive = ctx.records && new DefinitionArchive(ctx.records, ctx.repository.clock);
      const kept = version === undefined ? undefined : await archive?.get(name, version);
      if (kept) {
        const { first_seen_at, definition } = kept;
        return {
          name,
          version: kept.digest,
          digest: kept.digest,
          is_present: false,
          first_seen_at,
          definition,
        };
      }
      const of = version === undefined ? name : `${name} of the version ${version}`;
      throw new StagefoldError("PIPELINE_NOT_FOUND", `There is no pipeline ${of}.`, { pipeline: name });
    }),

  /** Files of pipelines that cannot be used, and what is wrong with each. `file` without its folder. */
  problems: procedure
    .input(z.object(listFields()).prefault({}))
    .output(pageSchema(problemSchema))
    .query(({ ctx, input }) => {
      const all = ctx.pipelines.problems().map(({ message, mistake: { file = "", ...mistake } }) => {
        const name = basename(file);
        return { ...mistake, file: name, message: file === "" ? message : message.replaceAll(file, name) };
      });
      return pageOf("pipeline problems", all, input);
    }),
});
