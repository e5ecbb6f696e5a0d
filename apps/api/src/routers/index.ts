import { router } from "../trpc.ts";
import { artifacts } from "./artifacts.ts";
import { pipelines } from "./pipelines.ts";
import { projects } from "./projects.ts";
import { stages } from "./stages.ts";
import { stats } from "./stats.ts";
import { system } from "./system.ts";
import { work } from "./work.ts";

/** Every procedure of the API. Clients carry its type alone. */
export const appRouter = router({ projects, stages, artifacts, work, stats, pipelines, system });
export type AppRouter = typeof appRouter;

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
