import type { Command } from "commander";
import { agentId, wholeNumber } from "../options.ts";
import { readAll } from "../read-pages.ts";
import type { Runner } from "../runner.ts";
import { artifactTable } from "../view/table.ts";

const MOST = 1_000_000;

export function addArtifactsOfAgent(artifacts: Command, run: Runner): void {
  artifacts
    .command("agent")
    .description("List the artifacts of every build of an agent, the newest build first")
    .argument("<agent>", "the agent", agentId)
    .option("--limit <count>", "how many at most", wholeNumber(1, MOST), 20)
    .option("--all", "all of them")
    .action((agent_id: string, options: { limit: number; all?: true }, command: Command) =>
      run(command, async ({ client, terminal, json }) => {
        const most = options.all ? Number.POSITIVE_INFINITY : options.limit;
        const page = await readAll(most, (paging) => client.artifacts.listByAgent({ agent_id, ...paging }));
        if (json) {
          terminal.json(page);
          return undefined;
        }
        const look = { paint: terminal.paint, columns: terminal.columns, builds: true };
        if (page.items.length > 0) terminal.lines(artifactTable(page.items, look));
        else terminal.note("no artifacts");
        if (page.next_cursor !== null) terminal.note("there may be more: --all, or a higher --limit");
        return undefined;
      }),
    );
}
