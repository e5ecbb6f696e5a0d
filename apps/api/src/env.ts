import { type Env, parseEnv } from "@stagefold/runtime";

/** The settings of this process. Errors: EnvError, a sentence that names the variable. */
export function loadEnv(): Env {
  return parseEnv(process.env);
}
