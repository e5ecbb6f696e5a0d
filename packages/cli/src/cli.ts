import { createClient, type StagefoldClient } from "@stagefold/client";
import { type CliEnv, loadEnv } from "./env.ts";
import { Terminal } from "./terminal.ts";

export interface GlobalOptions {
  readonly json?: true;
  /** False with --no-color. */
  readonly color: boolean;
}

/** What a command works with. */
export interface Cli {
  readonly env: CliEnv;
  readonly client: StagefoldClient;
  readonly terminal: Terminal;
  readonly json: boolean;
  /** Aborted by Ctrl-C, in commands that end quietly with it. */
  readonly signal: AbortSignal;
}

export function openCli(options: GlobalOptions, signal: AbortSignal): Cli {
  const env = loadEnv();
  return {
    env,
    client: createClient({ url: env.url, key: env.key }),
    terminal: new Terminal(process.stdout, process.stderr, {
      colours: options.color && !env.noColor,
      isDumb: env.isDumb,
    }),
    json: options.json === true,
    signal,
  };
}
