import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Cli } from "./cli.ts";
import { CliError, EXIT } from "./exit.ts";

/** Asks the person at the terminal, and ends the command unless the answer is yes. A program is not asked. */
export async function confirm(cli: Cli, question: string): Promise<void> {
  if (!cli.stdin.isTTY) return;
  const { signal } = cli;
  const { stderr } = cli.terminal;
  const asking = createInterface({ input: cli.stdin, output: stderr, prompt: `${question} [y/N] ` });
  asking.on("SIGINT", cli.interrupt);
  try {
    asking.prompt();
    // Ctrl-D ends the input without a line.
    const [line]: unknown[] = await Promise.race([
      once(asking, "line", { signal }),
      once(asking, "close", { signal }),
    ]);
    if (line === undefined) stderr.write("\n");
    if (!/^y(es)?$/i.test(String(line ?? "").trim())) throw new CliError("nothing was done", EXIT.failed);
  } finally {
    asking.close();
  }
}
