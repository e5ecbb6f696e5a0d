import { Readable } from "node:stream";
import { type Artifact, type ArtifactAddress, ConnectionError } from "@stagefold/client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { endingOf } from "../errors.ts";
import { EXIT } from "../exit.ts";
import { agentId, folder, projectId, wholeNumber } from "../options.ts";
import { type ListOptions, MAX_LIMIT, readAll, readList, showList } from "../read-pages.ts";
import type { Runner } from "../runner.ts";
import { ArtifactFolder, noteCollisions } from "../save.ts";
import { escaped } from "../view/escape.ts";
import { plural, size } from "../view/format.ts";
import { artifactTable } from "../view/table.ts";
import { addArtifactRecord, addArtifactRemove } from "./artifact-writes.ts";

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
        const page = await readAll(Number.POSITIVE_INFINITY, (paging) =>
          cli.client.artifacts.listByProject({ project_id: id, stage: options.stage, ...paging }),
        );
        if (options.download !== undefined) return save(cli, page.items, options.download);
        const { terminal } = cli;
        if (cli.json) terminal.json(page);
        else if (page.items.length === 0) terminal.note("no artifacts");
        else
          terminal.lines([
            ...artifactTable(page.items, { paint: terminal.paint, columns: terminal.columns }),
            ...total(page.items),
          ]);
        return undefined;
      }),
    );
  addArtifactRecord(artifacts, run);
  addArtifactRemove(artifacts, run);
  addArtifactsOfAgent(artifacts, run);
}

function addArtifactsOfAgent(artifacts: Command, run: Runner): void {
  artifacts
    .command("agent")
    .description("List the artifacts of every build of an agent, the newest build first")
    .argument("<agent>", "the agent", agentId)
    .option("--limit <count>", "how many at most", wholeNumber(1, MAX_LIMIT), 20)
    .option("--all", "all of them")
    .action((agent_id: string, options: ListOptions, command: Command) =>
      run(command, async (cli) => {
        const page = await readList(options, (paging) =>
          cli.client.artifacts.listByAgent({ agent_id, ...paging }),
        );
        const look = { paint: cli.terminal.paint, columns: cli.terminal.columns, builds: true };
        showList(cli, page, (rows) => artifactTable(rows, look), "no artifacts");
        return undefined;
      }),
    );
}

function total(artifacts: readonly Artifact[]): string[] {
  const bytes = artifacts.reduce((sum, artifact) => sum + (artifact.size ?? 0), 0);
  return ["", `${plural(artifacts.length, "artifact")}, ${size(bytes)}`];
}

/** Saves what can be saved. What cannot is named, does not stop the rest, and makes the exit code 1. */
async function save(cli: Cli, artifacts: readonly Artifact[], folder: string): Promise<number> {
  // Several stages may have written the same path: what the last of them left is what counts.
  const latest = [...new Map(artifacts.map((artifact) => [artifact.path, artifact])).values()];
  const target = new ArtifactFolder(folder, cli.signal);
  let failed = 0;
  for (const artifact of latest) {
    try {
      const { file, size: bytes, renamed } = await target.save(artifact, () => bytesOf(cli, artifact));
      if (cli.json) cli.terminal.json({ ...artifact, saved_as: file, ...(renamed && { renamed }) });
      else {
        const unverified = artifact.sha256 === undefined ? "  (no SHA-256 recorded)" : "";
        cli.terminal.lines([`${escaped(file)}  ${size(bytes)}${unverified}`]);
        if (renamed)
          cli.terminal.note(`${escaped(artifact.path)} was saved under another name: ${escaped(renamed)}`);
      }
    } catch (error) {
      const ending = cli.signal.aborted ? undefined : endingOf(error);
      // Without the API nothing more can be fetched.
      if (!ending || error instanceof ConnectionError) throw error;
      failed += 1;
      if (cli.json) cli.terminal.json({ ...artifact, error: ending.error });
      else cli.terminal.note(`not saved: ${escaped(artifact.path)}: ${ending.message}`);
    }
  }
  noteCollisions(
    cli,
    latest.map(({ path }) => path),
  );
  return failed > 0 ? EXIT.failed : EXIT.done;
}

export async function bytesOf(cli: Cli, address: ArtifactAddress): Promise<AsyncIterable<Uint8Array>> {
  const { project_id, path, stage, attempt, turn } = address;
  const { signal } = cli;
  const asked = { project_id, path, stage, attempt, turn };
  const { body } = await cli.client.artifacts.download(asked, { signal });
  return body ? Readable.fromWeb(body) : Readable.from([]);
}
