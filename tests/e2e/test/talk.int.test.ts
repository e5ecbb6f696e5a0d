import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Turn } from "@stagefold/client";
import { describe, expect, it } from "vitest";
import { builtAgent, CSV, REQUIREMENT } from "./built-agent.ts";
import { run, start, tempFolder } from "./harness.ts";

const textOf = (turn: Turn) => turn.blocks.map((block) => (block.type === "text" ? block.text : "")).join("");

describe("an agent that was built", () => {
  it("answers with the right means, records its tool call, and remembers the turn before", async () => {
    await using folder = await tempFolder();
    await using system = await start({ dataDir: join(folder.path, "data"), args: [REQUIREMENT] });
    const { client, url } = system;
    const agent_id = await builtAgent(system);
    await writeFile(join(folder.path, "people.csv"), CSV);
    const env = { STAGEFOLD_URL: url };
    const file = ["--file", join(folder.path, "people.csv")];
    const first = await run(["chat", agent_id, "每列的平均值是多少？", ...file], env);
    expect(first, system.printed()).toMatchObject({ code: 0 });
    expect(first.stdout).toContain("180");
    expect(first.stdout).toContain("70");

    const [session] = (await client.sessions.list({ agent_id })).items;
    const session_id = session?.session_id ?? "";
    const turn = await client.turns.get({ session_id, turn: 1 });
    expect(turn).toMatchObject({
      status: "completed",
      caller: "cli",
      user: { files: [{ name: "people.csv" }] },
    });
    expect(turn.blocks.filter(({ type }) => type === "tool")).toMatchObject([{ status: "completed" }]);

    // Without the file: it knows the one of the turn before.
    const second = await run(["chat", agent_id, "再算一次每列的平均值", "--continue", "--json"], env);
    expect(second, second.stderr).toMatchObject({ code: 0 });
    const told: Turn = JSON.parse(second.stdout);
    expect(told).toMatchObject({ session_id, turn: 2, status: "completed" });
    expect(textOf(told)).toContain("180");

    const invoked = await run(["invoke", agent_id, "每列的平均值", ...file, "--json"], env);
    expect(JSON.parse(invoked.stdout)).toMatchObject({ status: "completed", agent_id });
    expect((await client.invocations.list({ agent_id })).items).toHaveLength(3);
    expect((await run(["agents"], env)).stdout).toContain(agent_id);
    expect((await run(["session", session_id], env)).stdout).toContain("people.csv");

    const { project_id = "" } = (await client.projects.list({})).items[0] ?? {};
    const refused = await run(["delete", project_id, "--yes", "--json"], env);
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: "AGENT_IN_USE" } });
  });
});
