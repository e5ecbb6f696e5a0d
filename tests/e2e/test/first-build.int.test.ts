import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { itemBytes } from "@stagefold/core";
import { describe, expect, it } from "vitest";
import { until } from "../../../tooling/vitest/until.ts";
import { processesOf, run, start, tempFolder } from "./harness.ts";

const REQUIREMENT =
  "A simple math calculation agent that supports basic arithmetic operations (addition, subtraction, multiplication, division).";

/** The addresses at which any of these processes takes connections (Linux). */
async function listening(pids: readonly number[]): Promise<string[]> {
  const links = await Promise.all(
    pids.map(async (pid) => {
      const names = await readdir(`/proc/${pid}/fd`);
      return await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")));
    }),
  );
  const own = new Set(links.flat());
  const rows = await Promise.all(["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8")));
  return rows.flatMap((text) =>
    text.split("\n").flatMap((row) => {
      const [, local = "", , state, ...rest] = row.trim().split(/\s+/);
      const [host = "", port = ""] = local.split(":");
      // 0A is LISTEN; the number of the socket stands in the tenth column.
      if (state !== "0A" || !own.has(`socket:[${rest[5]}]`)) return [];
      const address = Buffer.from(host, "hex").reverse().join(".");
      return [`${address}:${Number.parseInt(port, 16)}`];
    }),
  );
}

describe("npm start with a requirement", () => {
  it("builds the agent, keeps serving, and what it built works", async () => {
    await using folder = await tempFolder();
    await using system = await start({
      dataDir: folder.path,
      args: [REQUIREMENT],
    });
    const { client, url } = system;
    const listed = await until("the project", async () => (await client.projects.list({})).items[0]);
    const project = await client.projects.waitForEnd({ project_id: listed.project_id });
    expect(project).toMatchObject({
      status: "completed",
      progress_percentage: 100,
      requirement: REQUIREMENT,
    });
    expect(project.stages_snapshot.stages.map((stage) => [stage.stage, stage.status])).toEqual([
      ["requirements_analysis", "completed"],
      ["system_architecture", "completed"],
      ["agent_design", "completed"],
      ["prompt_engineer", "completed"],
      ["tools_developer", "completed"],
      ["agent_code_developer", "completed"],
    ]);
    expect(itemBytes(project)).toBeLessThan(12 * 1024);

    const { items } = await client.artifacts.listByProject({ project_id: project.project_id, limit: 100 });
    expect(items.length).toBeGreaterThanOrEqual(8);
    const built = join(folder.path, "built");
    for (const artifact of items) {
      const answer = await fetch(`${url}/artifacts/${project.project_id}/${artifact.path}`);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(createHash("sha256").update(bytes).digest("hex"), artifact.path).toBe(artifact.sha256);
      await mkdir(dirname(join(built, artifact.path)), { recursive: true });
      await writeFile(join(built, artifact.path), bytes);
    }
    const agent = items.find((artifact) =>
      /^agents\/generated_agents\/[^/]+\/[^/]+\.mjs$/.test(artifact.path),
    );
    const answer = await promisify(execFile)(process.execPath, [agent?.path ?? "", "12.5*4"], { cwd: built });
    expect(answer.stdout.trim()).toBe("50");

    // A1: no process of it listens anywhere but the API, and there on this machine alone.
    if (process.platform === "linux")
      expect(await listening(await processesOf(folder.path))).toEqual([`127.0.0.1:${new URL(url).port}`]);

    // It keeps serving: the page, the lists, the command line.
    expect((await fetch(`${url}/`)).headers.get("content-type")).toContain("text/html");
    expect(await (await fetch(`${url}/readyz`)).text()).toBeTruthy();
    const shown = await run(["show", project.project_id, "--json"], { STAGEFOLD_URL: url });
    expect(JSON.parse(shown.stdout)).toMatchObject({ project_id: project.project_id, status: "completed" });
    expect(system.process.exitCode).toBeNull();
  });
});
