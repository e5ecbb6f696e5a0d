import { relative } from "node:path";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { EXIT, orAborted, usageError } from "../exit.ts";
import type { Runner } from "../runner.ts";
import { escaped } from "../view/escape.ts";
import { plural } from "../view/format.ts";

export function addCheck(program: Command, run: Runner): void {
  program
    .command("check")
    .description("Read pipeline files as an API or a worker would, without either, and say what is wrong")
    .argument("[files...]", "files or folders; the folder of STAGEFOLD_PIPELINES where none is given")
    .action((files: string[], _options: object, command: Command) =>
      run(command, (cli) => check(cli, files)),
    );
}

async function check(cli: Cli, files: readonly string[]): Promise<number> {
  const paths = files.length > 0 ? files : [cli.env.pipelines].filter((path) => path !== undefined);
  if (paths.length === 0) throw usageError("check needs a file or a folder, or STAGEFOLD_PIPELINES");
  const { checkPipelines } = await import("@stagefold/agent-build");
  const read = await orAborted(cli.signal, checkPipelines(paths));
  if (cli.json)
    for (const { file, pipelines, problems } of read)
      cli.terminal.json({
        file,
        pipelines: pipelines.map(({ name, version }) => ({ name, version })),
        problems: problems.map(({ message, mistake }) => ({ message, ...mistake })),
      });
  else cli.terminal.lines(read.flatMap((one) => linesOf(cli, one)));
  return read.every(({ problems }) => problems.length === 0) ? EXIT.done : EXIT.failed;
}

type Checked = Awaited<ReturnType<typeof import("@stagefold/agent-build").checkPipelines>>[number];

function linesOf({ terminal: { paint } }: Cli, { file, pipelines, problems }: Checked): string[] {
  const name = relative(process.cwd(), file) || file;
  const good = pipelines.map(
    (pipeline) =>
      `${paint.green("✓")} ${escaped(name)}: ${pipeline.name}, ${plural(pipeline.stages.length, "stage")}`,
  );
  const wrong = problems.map(({ message }) => `${paint.red("✗")} ${escaped(message.replaceAll(file, name))}`);
  return [...good, ...wrong];
}
