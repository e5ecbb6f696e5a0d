import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { processesOf, start, tempFolder, until } from "./harness.ts";

const SLOW = `
name: slow
stages:
  - stage: first
    command: echo one > one.txt
    artifacts: ["*.txt"]
  - stage: second
    command: test -f one.txt && sleep "$SECONDS_TO_SLEEP" && echo two > two.txt
    env: { SECONDS_TO_SLEEP: "4" }
    artifacts: ["two.txt"]
  - stage: third
    command: cat one.txt two.txt
`;

describe("kill -9 of everything", () => {
  it("loses nothing, and the interrupted build goes on to its end", { timeout: 120_000 }, async () => {
    await using folder = await tempFolder();
    await writeFile(join(folder.path, "slow.yaml"), SLOW);
    const options = {
      dataDir: join(folder.path, "data"),
      env: { STAGEFOLD_PIPELINES: folder.path, STAGEFOLD_LEASE_SECONDS: "4" },
    };
    const made: string[] = [];
    const before = await start(options);
    try {
      const { client } = before;
      const { project_id } = await client.projects.create({
        requirement: "slow",
        pipeline: "slow",
        user_id: "u1",
      });
      made.push(project_id);
      await until(20_000, "the second stage", async () => {
        const { stages_snapshot } = await client.projects.get({ project_id });
        return stages_snapshot.stages[1]?.status === "running" || undefined;
      });
      // Acknowledged a moment before the end of everything.
      for (let i = 0; i < 5; i++)
        made.push(
          (await client.projects.create({ requirement: `late ${i}`, pipeline: "slow", user_id: "u1" }))
            .project_id,
        );
    } finally {
      const all = await processesOf(folder.path);
      // Supervisor, API and worker; a runner without its worker ends by itself.
      expect(all.length).toBeGreaterThanOrEqual(3);
      for (const pid of all) killNow(pid);
    }
    await until(10_000, "the end of everything", async () =>
      (await processesOf(folder.path)).length === 0 ? true : undefined,
    );

    await using after = await start(options);
    const { client } = after;
    const listed = await client.projects.list({ user_id: "u1", limit: 100 });
    expect(listed.items.map((item) => item.project_id).sort()).toEqual([...made].sort());
    const all = await client.projects.list({ limit: 100 });
    expect(all.items.map((item) => item.project_id).sort()).toEqual([...made].sort());
    const ended = await Promise.all(made.map((project_id) => client.projects.waitForEnd({ project_id })));
    expect(ended.map((project) => project.status)).toEqual(made.map(() => "completed"));
    const [first, second] = ended[0]?.stages_snapshot.stages ?? [];
    expect(first).toMatchObject({ attempt: 1, output_data: { artifacts: ["one.txt"] } });
    expect(second).toMatchObject({ attempt: 2, history: [{ attempt: 1, code: "WORKER_LOST" }] });
  });
});

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It went down with another one.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
