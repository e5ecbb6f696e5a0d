import {
  canonicalJson,
  EXTERNAL_POOL,
  operationIdSchema,
  projectIdSchema,
  projectStatusSchema,
  type Repository,
  reportEventSchema,
  scopeOf,
  sha256Hex,
  textSchema,
  timeSchema,
} from "@stagefold/core";
import { z } from "zod";
import { pipelinesFor } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { type ProjectOutput, projectOutput } from "../outputs.ts";
import { procedure, router } from "../trpc.ts";

const leaseNumber = z.number().int().min(0);
const operation = { operation_id: operationIdSchema.optional() };
const held = z.strictObject({ project_id: projectIdSchema, lease_token: leaseNumber, ...operation });
const write = held.extend({ lease_seq: leaseNumber });

export const heartbeatSchema = z.object({ expires_at: timeSchema, status: projectStatusSchema });

/** What the built-in worker does, for programs that run the stages of their own projects. */
export const work = router({
  claim: procedure
    .input(
      z.strictObject({
        owner: textSchema(128, 1),
        project_id: projectIdSchema.optional(),
        pipelines: z.array(textSchema(64, 1)).min(1).max(50).optional(),
        ...operation,
      }),
    )
    .mutation(({ ctx, input }): Promise<ClaimOutput | null> => {
      const pipelines = pipelinesFor(ctx.principal, input.pipelines);
      return claimWork(ctx, { ...input, pipelines });
    }),

  heartbeat: procedure
    .input(held)
    .output(heartbeatSchema)
    .mutation(({ ctx, input }) => ctx.repository.work.heartbeat(input.project_id, input.lease_token)),

  /** All events in one write, or none of them. */
  report: procedure
    .input(write.extend({ events: z.array(reportEventSchema).max(1000) }))
    .mutation(async ({ ctx, input: { operation_id: _o, ...report } }): Promise<ProjectOutput> => {
      const project = await ctx.repository.work.report(report);
      for (const event of report.events)
        if (event.event === "failed" && event.retry_in_seconds !== undefined) ctx.onStageRetry?.();
      return projectOutput(project);
    }),

  /** Gives the lease back; a stage that runs waits for its next attempt. */
  release: procedure
    .input(write)
    .mutation(
      async ({ ctx, input: { operation_id: _o, ...lease } }): Promise<ProjectOutput> =>
        projectOutput(await ctx.repository.work.report({ ...lease, events: [], release: true })),
    ),
});

interface ClaimQuery {
  readonly owner: string;
  readonly project_id?: string | undefined;
  /** Only projects with one of these pipeline names. */
  readonly pipelines?: readonly string[] | undefined;
  /** A repeat under it is given the same claim, until the first write. */
  readonly operation_id?: string | undefined;
}

/** The project as the lease owner's first write will find it, and the key to write. */
export interface ClaimOutput {
  readonly project: ProjectOutput;
  readonly lease_token: number;
  /** Of the last write: the lease owner's next has a higher one. */
  readonly lease_seq: number;
  readonly expires_at: string;
}

/** Others claim at the same time: so many candidates are tried before there is nothing. */
const MAX_TRIES = 100;

/** Work that a program may do, or null when there is none. Built-in pipelines' projects are never given out. */
async function claimWork(context: Context, query: ClaimQuery): Promise<ClaimOutput | null> {
  const { repository, claimBackoff, onUnclaimable } = context;
  const claimId = await claimIdOf(query);
  if (claimId !== undefined) {
    const before = await repository.work.claimed(EXTERNAL_POOL, query.owner, claimId);
    if (before) return { ...before, project: projectOutput(before.project) };
  }
  if (query.project_id !== undefined) return claimNamed(repository, query.project_id, query, claimId);
  let tries = 0;
  for await (const row of repository.work.eachDue(EXTERNAL_POOL, query.pipelines)) {
    if (claimBackoff.has(row)) continue;
    try {
      const claimed = await claimOne(repository, row.project_id, query.owner, claimId, row.work_queue);
      if (claimed) return claimed;
      claimBackoff.add(row);
    } catch (error) {
      if (scopeOf(error) !== "project") throw error;
      // One that cannot be read keeps no program from the work behind it.
      if (claimBackoff.add(row, error).isNews) onUnclaimable?.(row.project_id, error);
      continue;
    }
    tries += 1;
    if (tries === MAX_TRIES) return null;
  }
  return null;
}

/** Readers see the name of a claim: it does not let them repeat the claim, which would give them its token. */
async function claimIdOf({ owner, operation_id }: ClaimQuery): Promise<string | undefined> {
  return operation_id === undefined ? undefined : await sha256Hex(canonicalJson([owner, operation_id]));
}

async function claimNamed(
  repository: Repository,
  projectId: string,
  query: ClaimQuery,
  claimId: string | undefined,
): Promise<ClaimOutput | null> {
  if (query.pipelines !== undefined) {
    const { pipeline } = repository.cache.get(projectId) ?? (await repository.get(projectId));
    if (!isWanted(pipeline, query)) return null;
  }
  const claimed = await claimOne(repository, projectId, query.owner, claimId);
  // Nothing to claim may also mean that there is no such project, which is worth an error of its own.
  if (!claimed) await repository.get(projectId);
  return claimed;
}

async function claimOne(
  repository: Repository,
  projectId: string,
  owner: string,
  claimId: string | undefined,
  queue?: string,
): Promise<ClaimOutput | null> {
  const claimed = await repository.work.claim(projectId, owner, queue, { claimId });
  if (!claimed) return null;
  if (claimed.project.status === "building") return { ...claimed, project: projectOutput(claimed.project) };
  // Its owners died one after the other: the claim found it given up, which is recorded here and now.
  const { lease_token, lease_seq } = claimed;
  await repository.work.report({ project_id: projectId, lease_token, lease_seq: lease_seq + 1, events: [] });
  return null;
}

function isWanted(pipeline: string | undefined, query: ClaimQuery): boolean {
  return query.pipelines === undefined || (pipeline !== undefined && query.pipelines.includes(pipeline));
}
