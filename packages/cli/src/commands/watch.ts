import type { Command } from "commander";
import { followBuild } from "../follow-build.ts";
import { projectId } from "../options.ts";
import type { Runner } from "../runner.ts";

export function addWatch(program: Command, run: Runner): void {
  program
    .command("watch")
    .description("Show a build until it ends; exit 1 unless it completes. Ctrl-C leaves it running")
    .argument("<id>", "the build", projectId)
    .action((id: string, _options: object, command: Command) => run(command, (cli) => followBuild(cli, id)));
}
