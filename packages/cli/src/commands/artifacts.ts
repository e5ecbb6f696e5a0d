import type { Artifact } from "@stagefold/client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { download } from "../download.ts";
import { EXIT } from "../exit.ts";
import { folder, projectId } from "../options.ts";
import { firstOf } from "../pages.ts";
import type { Runner } from "../runner.ts";
import { escaped } from "../view/escape.ts";
import { plural, size } from "../view/format.ts";
import { artifactTable } from "../view/table.ts";
import { addArtifactRecord, addArtifactRemove } from "./artifact-writes.ts";
import { addArtifactsOfAgent } from "./artifacts-of-agent.ts";

interface ArtifactsOptions {
  readonly stage?: string;
  readonly download?: string;
}

export function addArtifacts(program: Command, run: Runner): void {
  const artifacts = program
    .command("artifacts")
    .description("List the artifacts of a build, download them, or record what other programs made")
    .argument("<id>", "the build", projectId)
    .option("--stage <stage>", "only of this stage")
    .option(
      "--download <folder>",
      "save them below this folder; each is held against its recorded SHA-256",
      folder,
    )
    .action((id: string, options: ArtifactsOptions, command: Command) =>
      run(command, async (cli) => {
        const page = await firstOf(Number.POSITIVE_INFINITY, (paging) =>
          cli.client.artifacts.listByProject({ project_id: id, stage: options.stage, ...paging }),
        );
        if (options.download !== undefined) return save(cli, page.items, options.download);
        const { terminal } = cli;
        if (cli.json) terminal.json(page);
        else if (page.items.length === 0) terminal.note("no artifacts");
        else terminal.lines([...artifactTable(page.items, terminal), ...total(page.items)]);
        return undefined;
      }),
    );
  addArtifactRecord(artifacts, run);
  addArtifactRemove(artifacts, run);
  addArtifactsOfAgent(artifacts, run);
}

function total(artifacts: readonly Artifact[]): string[] {
  const bytes = artifacts.reduce((sum, artifact) => sum + (artifact.size ?? 0), 0);
  return ["", `${plural(artifacts.length, "artifact")}, ${size(bytes)}`];
}

async function save(cli: Cli, artifacts: readonly Artifact[], folder: string): Promise<number> {
  // Several stages may have written the same path: what the last of them left is what counts.
  const latest = [...new Map(artifacts.map((artifact) => [artifact.path, artifact])).values()];
  for (const artifact of latest) {
    const saved = await download(cli.client, artifact, folder, cli.signal);
    if (cli.json) cli.terminal.json({ ...artifact, saved_as: saved.file });
    else
      cli.terminal.lines([
        `${escaped(saved.file)}  ${size(saved.size)}${saved.verified ? "" : "  (no SHA-256 recorded)"}`,
      ]);
  }
  return EXIT.done;
}
