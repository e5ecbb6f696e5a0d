import { inheritedFrom } from "@stagefold/node-files";
import { type Env, parseEnv } from "@stagefold/runtime";

/** The settings of this process. Errors: EnvError, a sentence that names the variable. */
export function loadEnv(): Env {
  return parseEnv(process.env);
}

/** All that the processes of agents inherit. */
export function inheritedByAgents(): Record<string, string> {
  return inheritedFrom(process.env);
}
