import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { diagnosisLines } from "../doctor/lines.ts";
import { EXIT } from "../exit.ts";
import { wholeNumber } from "../options.ts";
import type { Runner } from "../runner.ts";
import { withTable } from "../table.ts";

interface DoctorOptions {
  readonly sample: number;
  readonly all?: true;
}

export function addDoctor(program: Command, run: Runner): void {
  program
    .command("doctor")
    .description("Look at the table and older ones beside it, and say what to type next. Changes nothing")
    .option("--sample <count>", "how many items to look at, of each table", wholeNumber(1, 1_000_000), 2000)
    .option("--all", "look at every item")
    .action((options: DoctorOptions, command: Command) => run(command, (cli) => doctor(cli, options)));
}

async function doctor(cli: Cli, { sample, all }: DoctorOptions): Promise<number> {
  const { diagnose } = await import("../doctor/diagnose.ts");
  const options = { atMost: all ? undefined : sample, nowMs: Date.now(), signal: cli.signal };
  const found = await withTable(cli, { readOnly: true }, (table) => diagnose(table, options));
  const { terminal } = cli;
  if (cli.json) terminal.json(found);
  else terminal.lines(diagnosisLines(found, terminal.paint, terminal.columns));
  return found.findings.some(({ level }) => level === "problem") ? EXIT.failed : EXIT.done;
}
