import { createInterface } from "node:readline/promises";
import type { Cli } from "./cli.ts";
import { CliError, EXIT } from "./exit.ts";

/** Asks the person at the terminal, and ends the command unless the answer is yes. A program is not asked. */
export async function confirm(cli: Cli, question: string): Promise<void> {
  if (!cli.stdin.isTTY) return;
  const asking = createInterface({ input: cli.stdin, output: cli.terminal.stderr });
  try {
    const answer = await asking.question(`${question} [y/N] `, { signal: cli.signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError("nothing was done", EXIT.failed);
  } finally {
    asking.close();
  }
}
