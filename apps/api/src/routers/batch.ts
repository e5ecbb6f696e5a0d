import {
  createProjectSchema,
  ERROR_CODES,
  isStagefoldError,
  operationIdSchema,
  type ProjectStatus,
  projectIdSchema,
  requireOwner,
  scopeOf,
  textSchema,
} from "@stagefold/core";
import { z } from "zod";
import { auditedCall } from "../auth/audit.ts";
import { askerOf } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { errorShapeOf, toStagefoldError } from "../errors.ts";
import { type CreatedProject, projectOutput } from "../outputs.ts";
import { listFields } from "../pagination.ts";
import { procedure, projectIdIn } from "../trpc.ts";
import { createBuild } from "./create-build.ts";
import { deleteBuild } from "./delete-build.ts";
import { resumeBuild, retryBuild } from "./run-again.ts";
import { listFilterSchema } from "./watch.ts";

const MAX_ROWS = 100;
/** Builds that a dry run looks at, at the most. */
const MAX_COUNTED = 100_000;
const COUNTED_AT_ONCE = 500;
/** Writes on their way at the same time. */
const AT_ONCE = 8;

/** What `projects.create` takes. */
export const createInput = createProjectSchema
  .extend({ operation_id: operationIdSchema.optional(), pipeline: textSchema(64, 1).optional() })
  .strict();

/** One build of a create: its key, or the operation, is what a repeat finds it by. */
export async function createOne(ctx: Context, input: z.output<typeof createInput>): Promise<CreatedProject> {
  const { operation_id, idempotency_key, ...request } = input;
  // The first write of a project has no earlier control write to be recognised by; a key of its own does the same.
  const key = idempotency_key ?? (operation_id === undefined ? undefined : `operation ${operation_id}`);
  const { project, again } = await createBuild(ctx, { ...request, idempotency_key: key });
  return { ...projectOutput(project), ...(again && { again: true as const }) };
}

/** Why one of several was refused, as it would be on the wire if it had been asked for alone. */
export const refusalSchema = z.object({ code: z.enum(ERROR_CODES), message: z.string() });
type Refusal = z.output<typeof refusalSchema>;

function refusalOf(error: unknown): Refusal {
  // What concerns the store or this process concerns all of them; a row that the caller may not make, itself alone.
  if (scopeOf(error) !== "project" && !isStagefoldError(error, "FORBIDDEN")) throw error;
  const { message, data } = errorShapeOf(error);
  return { code: data.stagefold.code, message };
}

/** Several builds, each made or refused by itself; the answers are in the order of the rows. */
export const createMany = procedure
  .input(
    z.strictObject({
      // Each row is checked by itself: one that is wrong keeps no other from being made.
      projects: z
        .array(z.custom<z.input<typeof createInput>>((row) => row !== undefined))
        .min(1)
        .max(MAX_ROWS),
    }),
  )
  .mutation(
    async ({ ctx, input }): Promise<{ items: ({ project: CreatedProject } | { error: Refusal })[] }> => {
      const items = await several(input.projects, async (row) => {
        const project = await audited(ctx, "create", undefined, async () =>
          createOne(ctx, createInput.parse(row)),
        );
        return { project };
      });
      return { items: items.map((item) => ("refused" in item ? { error: item.refused } : item)) };
    },
  );

const ACTIONS = ["pause", "resume", "cancel", "retry", "delete"] as const;
type Action = (typeof ACTIONS)[number];

const OPEN = [
  "pending",
  "queued",
  "building",
  "waiting",
  "paused",
] as const satisfies readonly ProjectStatus[];

/** The states from which each is possible. A completed build is retried from a named stage alone. */
const FROM: Readonly<Record<Action, readonly ProjectStatus[]>> = {
  pause: ["queued", "building"],
  resume: ["pending", "paused"],
  cancel: OPEN,
  retry: ["failed", "cancelled"],
  delete: [...OPEN, "completed", "failed", "cancelled"],
};

export const bulkSchema = z.object({
  /** Builds of this page that are in a state for it; of a dry run, of all pages. */
  matched: z.number(),
  done: z.number(),
  refused: z.array(refusalSchema.extend({ project_id: projectIdSchema })),
  next_cursor: z.string().nullable(),
});

/**
 * One action on all builds that pass a filter, a page of them with each call; those that are in no state for it are left
 * out. A dry run counts them all and changes nothing. A member acts on what is its own.
 */
export const bulk = procedure
  .input(
    z.strictObject({
      action: z.enum(ACTIONS),
      filter: z.strictObject(listFilterSchema.shape),
      dry_run: z.boolean().default(false),
      operation_id: operationIdSchema.optional(),
      ...listFields(MAX_ROWS, COUNTED_AT_ONCE),
    }),
  )
  .output(bulkSchema)
  .mutation(async ({ ctx, input: { action, filter, dry_run, operation_id, limit, cursor } }) => {
    const { owner } = askerOf(ctx.principal);
    if (owner !== undefined && filter.user_id !== undefined) requireOwner(filter, { owner });
    const own = { ...filter, ...(owner !== undefined && { user_id: owner }) };
    const page = async (size: number, from: string | undefined) => {
      const { items, next_cursor } = await ctx.repository.lists.projects(own, size, from);
      return { ids: items.filter(({ status }) => FROM[action].includes(status)), next_cursor };
    };
    if (dry_run) {
      let matched = 0;
      let from: string | undefined;
      for (let looked = 0; looked < MAX_COUNTED; looked += COUNTED_AT_ONCE) {
        const { ids, next_cursor } = await page(COUNTED_AT_ONCE, from);
        matched += ids.length;
        if (next_cursor === null) return { matched, done: 0, refused: [], next_cursor };
        from = next_cursor;
      }
      return { matched, done: 0, refused: [], next_cursor: from ?? null };
    }
    const { ids, next_cursor } = await page(limit, cursor);
    const results = await several(ids, async ({ project_id }) => {
      await audited(ctx, action, project_id, () => act(ctx, action, project_id, operation_id));
      return { project_id };
    });
    const refused = results.flatMap((result, i) =>
      "refused" in result ? [{ ...result.refused, project_id: ids[i]?.project_id ?? "" }] : [],
    );
    return { matched: ids.length, done: ids.length - refused.length, refused, next_cursor };
  });

/** One build of several has its own row in the audit log, as if it had been asked for alone. */
async function audited<Result>(
  ctx: Context,
  action: Action | "create",
  project_id: string | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const procedure = `projects.${action}`;
  try {
    const done = await work();
    await auditedCall(ctx, { procedure, project_id: project_id ?? projectIdIn(done), result: "ok" });
    return done;
  } catch (error) {
    await auditedCall(ctx, { procedure, project_id, result: toStagefoldError(error).code });
    throw error;
  }
}

async function act(
  ctx: Context,
  action: Action,
  project_id: string,
  operation_id: string | undefined,
): Promise<unknown> {
  const asker = askerOf(ctx.principal);
  const { control } = ctx.repository;
  switch (action) {
    case "pause":
      return await control.pause(project_id, operation_id, asker);
    case "resume":
      return await resumeBuild(ctx, { project_id, operation_id });
    case "cancel":
      return await control.cancel(project_id, operation_id, asker);
    case "retry":
      return await retryBuild(ctx, { project_id, operation_id });
    case "delete":
      return await deleteBuild(ctx, project_id, false);
    default:
      return action satisfies never;
  }
}

/** The results in the order of the rows; a row that is refused stops no other. */
async function several<Row, Result>(
  rows: readonly Row[],
  work: (row: Row) => Promise<Result>,
): Promise<(Result | { refused: Refusal })[]> {
  const results: (Result | { refused: Refusal })[] = [];
  const left = rows.entries();
  const worker = async () => {
    for (const [i, row] of left)
      results[i] = await work(row).catch((error: unknown) => ({ refused: refusalOf(error) }));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
