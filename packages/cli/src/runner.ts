import type { Command } from "commander";
import { type Cli, type GlobalOptions, openCli, type Surroundings } from "./cli.ts";
import { EXIT } from "./exit.ts";

/** Runs the work of a command; its answer is the program's exit code, 0 when it has none. */
export type Runner = (command: Command, work: (cli: Cli) => Promise<number | undefined>) => Promise<void>;

/** `onExit` gets the exit code of what ran. */
export function createRunner(around: Surroundings, onExit: (code: number) => void): Runner {
  return async (command, work) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const code = await work(openCli(options, around));
    onExit(code ?? EXIT.done);
  };
}
