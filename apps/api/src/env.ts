import { hideEnvironment, inheritedFrom } from "@stagefold/node-files";
import { type Env, parseEnv } from "@stagefold/runtime";
import { secretsIn } from "@stagefold/runtime/env";

/**
 * The settings of this process, which no other one can read from now on. Errors: EnvError, a sentence that names the
 * variable.
 */
export function loadEnv(): Env {
  hideEnvironment(process.env);
  return parseEnv(process.env);
}

/** All that the processes of agents inherit. */
export function inheritedByAgents(): Record<string, string> {
  return inheritedFrom(process.env);
}

/** The secrets that the environment has, by their names. */
export function givenSecrets(): Record<string, string> {
  return secretsIn(process.env);
}
