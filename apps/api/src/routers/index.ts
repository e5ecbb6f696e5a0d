import type { ACCESS, ProcedurePath } from "../auth/access.ts";
import { router } from "../trpc.ts";
import { agents } from "./agents.ts";
import { artifacts } from "./artifacts.ts";
import { audit } from "./audit.ts";
import { keys } from "./keys.ts";
import { pipelines } from "./pipelines.ts";
import { projects } from "./projects.ts";
import { schedules } from "./schedules.ts";
import { session } from "./session.ts";
import { sessions } from "./sessions.ts";
import { stages } from "./stages.ts";
import { stats } from "./stats.ts";
import { system } from "./system.ts";
import { invocations, messages, turns } from "./turns.ts";
import { webhooks } from "./webhooks.ts";
import { work } from "./work.ts";
import { workers } from "./workers.ts";

/** Every procedure of the API. Clients carry its type alone. */
export const appRouter = router({
  projects,
  stages,
  artifacts,
  work,
  workers,
  stats,
  pipelines,
  system,
  schedules,
  webhooks,
  agents,
  sessions,
  turns,
  messages,
  invocations,
  session,
  keys,
  audit,
});
export type AppRouter = typeof appRouter;

/** Fails to compile when a procedure is not in the table of what each needs, or the table has one too many. */
type Procedures = ProcedurePath<AppRouter["_def"]["record"]>;
type Missing = Exclude<Procedures, keyof typeof ACCESS> | Exclude<keyof typeof ACCESS, Procedures>;
const complete: [Missing] extends [never] ? true : Missing = true;
void complete;

export {
  type CallSeen,
  type Context,
  type ContextDeps,
  createContextInner,
  type SystemInfo,
} from "../context.ts";
export {
  type ErrorShape,
  errorShapeOf,
  MAX_BATCH,
  MAX_BODY_BYTES,
  TRPC_CODES,
  toStagefoldError,
  type WireError,
} from "../errors.ts";
export { rejectUnsafeKeys } from "../reject-unsafe-keys.ts";
export { PING_MS, STREAM_OPTIONS } from "../trpc.ts";
