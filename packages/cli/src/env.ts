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

/** The settings, from the environment. Errors: EnvError. */
export function loadEnv(): CliEnv {
  const noColor = (process.env.NO_COLOR ?? "") !== "";
  // Stages run as the same user, beside `up`.
  hideEnvironment(process.env);
  return { ...parseEnv(process.env), noColor, isDumb: process.env.TERM === "dumb", inherited: process.env };
}
