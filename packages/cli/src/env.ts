import { hideEnvironment } from "@stagefold/node-files";
import { type Env, parseEnv } from "@stagefold/runtime/env";

export interface CliEnv extends Env {
  /** The user wants no colours. */
  readonly noColor: boolean;
  /** The terminal obeys no commands. */
  readonly isDumb: boolean;
  /** What processes that are started get. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
}

/** The environment of this process, kept from other processes of the same user: stages run beside `up`. */
export function ownEnvironment(): CliEnv["inherited"] {
  hideEnvironment(process.env);
  return process.env;
}

/** The settings, from the environment. Errors: EnvError. */
export function loadEnv(env: CliEnv["inherited"]): CliEnv {
  const noColor = (env.NO_COLOR ?? "") !== "";
  return { ...parseEnv(env), noColor, isDumb: env.TERM === "dumb", inherited: env };
}
