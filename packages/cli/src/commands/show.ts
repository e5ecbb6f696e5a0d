import type { Command } from "commander";
import { projectId } from "../options.ts";
import type { Runner } from "../runner.ts";
import { detailLines } from "../view/project-lines.ts";

export function addShow(program: Command, run: Runner): void {
  program
    .command("show")
    .description("Show a build as it is now")
    .argument("<id>", "the build", projectId)
    .action((id: string, _options: object, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const project = await client.projects.get({ project_id: id });
        if (json) terminal.json(project);
        else terminal.lines(detailLines(project, terminal.frame()));
        return undefined;
      }),
    );
}
