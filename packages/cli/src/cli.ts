import { createClient, type StagefoldClient } from "@stagefold/client";
import { type CliEnv, loadEnv } from "./env.ts";
import { type Output, Terminal } from "./terminal.ts";

export interface GlobalOptions {
  readonly json?: true;
  /** False with --no-color. */
  readonly color: boolean;
}

/** What a command finds around it: of its process, or of a test. */
export interface Surroundings {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C, in commands that end quietly with it. */
  readonly signal: AbortSignal;
}

/** What a command works with. */
export interface Cli extends Pick<Surroundings, "stdin" | "signal"> {
  readonly env: CliEnv;
  readonly client: StagefoldClient;
  readonly terminal: Terminal;
  readonly json: boolean;
}

export function openCli(options: GlobalOptions, around: Surroundings): Cli {
  const { stdin, stdout, stderr, signal } = around;
  const env = loadEnv(around.env);
  return {
    env,
    client: createClient({ url: env.url, key: env.key }),
    terminal: new Terminal(stdout, stderr, {
      colours: options.color && !env.noColor,
      isDumb: env.isDumb,
    }),
    json: options.json === true,
    stdin,
    signal,
  };
}
