import { apiOverhead } from "./keys/api-overhead.ts";
import { authOverhead } from "./keys/auth-overhead.ts";
import { counts } from "./keys/counts.ts";
import { manyProjects } from "./keys/many-projects.ts";
import type { Measurement } from "./keys/measurement.ts";
import { people } from "./keys/people.ts";
import { recovery } from "./keys/recovery.ts";
import { repositoryCpu } from "./keys/repository-cpu.ts";
import { speed } from "./keys/speed.ts";
import { start } from "./keys/start.ts";
import { turns } from "./keys/turns.ts";
import { wake } from "./keys/wake.ts";
import { watch } from "./keys/watch.ts";
import { watchers } from "./keys/watchers.ts";

/** All that is measured, in the order in which it is. */
export const measurements: readonly Measurement[] = [
  counts,
  turns,
  speed,
  repositoryCpu,
  recovery,
  watch,
  wake,
  people,
  watchers,
  manyProjects,
  apiOverhead,
  authOverhead,
  start,
];
