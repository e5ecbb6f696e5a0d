import type { ArtifactInput, Project } from "@stagefold/client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { usageError } from "../exit.ts";
import { jsonObjectAt, projectId, readText } from "../options.ts";
import type { Runner } from "../runner.ts";
import { plural } from "../view/format.ts";

interface RecordOptions {
  readonly replace?: true;
  readonly from?: string;
}

export function addArtifactRecord(artifacts: Command, run: Runner): void {
  artifacts
    .command("record")
    .description("Record artifacts of a stage that does not run: what they are called, not their bytes")
    .argument("<id>", "the build", projectId)
    .argument("<stage>", "the stage")
    .argument("[path...]", "the artifacts, by their paths below the build's root")
    .option("--replace", "in place of those that the stage has; otherwise they are added")
    .option(
      "--from <file>",
      "more of them, one JSON object a line: path, size, sha256, media_type …; - is stdin",
    )
    .action((id: string, stage: string, paths: string[], options: RecordOptions, command: Command) =>
      run(command, async (cli) => {
        const listed = options.from === undefined ? [] : await readList(cli, options.from);
        const given = [...paths.map((path) => ({ path })), ...listed];
        if (given.length === 0 && !options.replace)
          throw usageError(
            "expected paths, or --from with a file; to remove all: stagefold artifacts remove",
          );
        const mode = options.replace ? "replace" : "add";
        told(cli, await cli.client.artifacts.record({ project_id: id, stage, artifacts: given, mode }));
        return undefined;
      }),
    );
}

export function addArtifactRemove(artifacts: Command, run: Runner): void {
  artifacts
    .command("remove")
    .description("Forget the artifacts of a stage that does not run; their bytes stay where they are")
    .argument("<id>", "the build", projectId)
    .argument("<stage>", "the stage")
    .action((project_id: string, stage: string, _options: object, command: Command) =>
      run(command, async (cli) => {
        told(cli, await cli.client.artifacts.removeForStage({ project_id, stage }));
        return undefined;
      }),
    );
}

function told(cli: Cli, project: Project): void {
  if (cli.json) cli.terminal.json(project);
  else cli.terminal.lines([`${project.project_id} has ${plural(countOf(project), "artifact")}`]);
}

function countOf({ stages_snapshot }: Project): number {
  const counts = stages_snapshot.stages.map(
    ({ output_data }) => output_data.artifact_count ?? output_data.artifacts.length,
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function readList(cli: Cli, file: string): Promise<ArtifactInput[]> {
  const lines = (await readText(cli, file)).split("\n");
  return lines.flatMap((line, i) => (line.trim() === "" ? [] : [readLine(line, `${file}, line ${i + 1}`)]));
}

/** Whether it is an artifact in every respect is for the API to say. */
function readLine(line: string, where: string): ArtifactInput {
  const value = jsonObjectAt(where, line);
  if ("path" in value && typeof value.path === "string") return { ...value, path: value.path };
  throw usageError(`${where}: expected a JSON object with a path, found ${line.slice(0, 80)}`);
}
