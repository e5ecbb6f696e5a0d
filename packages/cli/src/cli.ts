import type { Readable } from "node:stream";
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
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C: the command ends, with exit code 130. */
  readonly signal: AbortSignal;
  /** What Ctrl-C does, for a terminal that is read line by line: it sends no signal. */
  readonly interrupt: () => void;
  /** From now on Ctrl-C is the command's own matter, and `signal` is not aborted. */
  readonly releaseInterrupt: () => void;
}

/** What a command works with. */
export interface Cli extends Pick<Surroundings, "stdin" | "signal" | "interrupt" | "releaseInterrupt"> {
  readonly env: CliEnv;
  /** Ctrl-C ends each of its calls. */
  readonly client: StagefoldClient;
  readonly terminal: Terminal;
  readonly json: boolean;
}

export function openCli(options: GlobalOptions, around: Surroundings): Cli {
  const { stdin, stdout, stderr, signal, interrupt, releaseInterrupt } = around;
  const env = loadEnv(around.env);
  return {
    env,
    client: openClient(env, signal),
    terminal: new Terminal(stdout, stderr, {
      colours: options.color && !env.noColor,
      isDumb: env.isDumb,
    }),
    json: options.json === true,
    ...{ stdin, signal, interrupt, releaseInterrupt },
  };
}

/** A client of that API; the signal ends each of its calls, as an error. */
export function openClient(
  { url, key }: Pick<CliEnv, "url" | "key">,
  signal: AbortSignal | undefined,
): StagefoldClient {
  if (!signal) return createClient({ url, key });
  return createClient({
    url,
    key,
    fetch: (input, init) =>
      fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([signal, init.signal]) : signal }),
  });
}
