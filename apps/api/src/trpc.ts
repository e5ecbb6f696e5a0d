import { initTRPC } from "@trpc/server";
import { accessTo } from "./auth/access.ts";
import { auditedCall } from "./auth/audit.ts";
import { requireAccess } from "./auth/principal.ts";
import type { Context } from "./context.ts";
import { errorShapeOf, toStagefoldError, toTRPCError } from "./errors.ts";
import { rejectUnsafeKeys } from "./reject-unsafe-keys.ts";

/** A silent stream is alive: this often it says so. Milliseconds. */
export const PING_MS = 10_000;

/** What the first event of a stream tells its reader. */
export const STREAM_OPTIONS = { reconnectAfterInactivityMs: 3 * PING_MS };

const t = initTRPC.context<Context>().create({
  isDev: false,
  errorFormatter: ({ error, shape }) => errorShapeOf(error, shape.data.path),
  sse: {
    ping: { enabled: true, intervalMs: PING_MS },
    client: STREAM_OPTIONS,
  },
});

export const router = t.router;

/** Errors of every procedure are typed, and calls are counted. */
const typed = t.middleware(async ({ ctx, next, path, type }) => {
  const start = performance.now();
  const result = await next();
  const seen = { procedure: path, type, ok: result.ok, seconds: (performance.now() - start) / 1000 };
  if (result.ok) {
    ctx.onCall?.(seen);
    return result;
  }
  ctx.onCall?.({ ...seen, code: toStagefoldError(result.error).code });
  throw toTRPCError(result.error);
});

/** A call is a span, and builds that it makes are part of its trace. */
const traced = t.middleware(({ ctx, next, path, type }) =>
  ctx.telemetry.span(
    path,
    { kind: "server", parent: ctx.traceparent, attributes: { "stagefold.type": type } },
    async (span) => {
      const result = await next({ ctx: { traceparent: span.traceparent } });
      if (result.ok) span.set({ "stagefold.project_id": projectIdIn(result.data) });
      else span.fail(toStagefoldError(result.error).code);
      return result;
    },
  ),
);

/** What no schema looks at is refused first. */
const checked = t.middleware(async ({ getRawInput, next }) => {
  rejectUnsafeKeys(await getRawInput());
  return next();
});

/**
 * Who asks must have a role that may. Every mutation, and every refusal by role, leaves a row in the audit log: with the
 * build that it names, or that it made.
 */
const authorised = t.middleware(async ({ ctx, next, path, type, getRawInput }) => {
  const audit = async (result: string, made?: unknown) => {
    if (!ctx.auth) return;
    const project_id = projectIdIn(await getRawInput()) ?? projectIdIn(made);
    await auditedCall(ctx, { procedure: path, project_id, result });
  };
  try {
    requireAccess(ctx.principal, accessTo(path));
  } catch (error) {
    await audit(toStagefoldError(error).code);
    throw error;
  }
  const result = await next();
  // A program that asks for work and gets none asks again, many times a minute.
  const isIdle = path === "work.claim" && result.ok && result.data === null;
  // What was done to several builds has a row for each of them.
  const needsNoRow = UNAUDITED.includes(path) || (result.ok && (isIdle || OF_SEVERAL.includes(path)));
  if (type === "mutation" && !needsNoRow)
    await (result.ok ? audit("ok", result.data) : audit(toStagefoldError(result.error).code));
  return result;
});

/** `routers/batch.ts` writes a row for each build; a dry run has none. */
const OF_SEVERAL = ["projects.createMany", "projects.bulk"];
/** What the owner of a lease does, many times a minute: its claim is in the log. */
const UNAUDITED = ["work.heartbeat", "work.report"];

/** The build that an input, or an answer, names. */
export function projectIdIn(input: unknown): string | undefined {
  const id: unknown =
    typeof input === "object" && input !== null ? Reflect.get(input, "project_id") : undefined;
  return typeof id === "string" ? id.slice(0, 64) : undefined;
}

export const procedure = t.procedure.use(typed).use(traced).use(checked).use(authorised);
