import { initTRPC } from "@trpc/server";
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

/** What no schema looks at is refused first. */
const checked = t.middleware(async ({ getRawInput, next }) => {
  rejectUnsafeKeys(await getRawInput());
  return next();
});

export const procedure = t.procedure.use(typed).use(checked);
