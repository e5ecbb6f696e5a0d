import type { Command } from "commander";
import { type Cli, type GlobalOptions, openCli } from "./cli.ts";
import { EXIT } from "./exit.ts";

/** Runs the work of a command; its answer is the program's exit code, 0 when it has none. */
export type Runner = (command: Command, work: (cli: Cli) => Promise<number | undefined>) => Promise<void>;

export interface RunnerHooks {
  /** Called with the exit code of what ran. */
  readonly onExit: (code: number) => void;
  readonly signal: AbortSignal;
}

export function createRunner(hooks: RunnerHooks): Runner {
  return async (command, work) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const code = await work(openCli(options, hooks.signal));
    hooks.onExit(code ?? EXIT.done);
  };
}
