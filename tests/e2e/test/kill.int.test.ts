import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConnectionError, createClient } from "@stagefold/client";
import { describe, expect, it } from "vitest";
import { until } from "../../../tooling/vitest/until.ts";
import { processesOf, type System, start, tempFolder } from "./harness.ts";

/** Its second stage does not end before there is such a file: so it runs when everything is killed. */
const slow = (go: string) => `
name: slow
stages:
  - stage: first
    command: echo one > one.txt
    artifacts: ["*.txt"]
  - stage: second
    command: test -f one.txt && until test -e "$GO"; do sleep 0.1; done && sleep 4 && echo two > two.txt
    env: { GO: "${go}" }
    artifacts: ["two.txt"]
  - stage: third
    command: cat one.txt two.txt
`;

/** A gate without a worker's time in it, behind a stage that is quick. */
const ASKS = `
name: asks
stages:
  - { stage: draft, command: "echo a draft" }
  - stage: approve
    gate: { question: "Publish?", answer: { type: object, properties: { by: { type: string } }, required: [by] } }
  - { stage: publish, command: "echo published" }
`;
const answerOf = (by: string) => ({ stage: "approve", value: { by } });

describe("kill -9 of everything", () => {
  it("W3: loses nothing, and the interrupted build continues to its end; each process outlives the death of any other", async () => {
    await using folder = await tempFolder();
    const go = join(folder.path, "go");
    await writeFile(join(folder.path, "slow.yaml"), slow(go));
    await writeFile(join(folder.path, "asks.yaml"), ASKS);
    const options = {
      dataDir: join(folder.path, "data"),
      env: { STAGEFOLD_PIPELINES: folder.path, STAGEFOLD_LEASE_SECONDS: "4" },
    };
    const made: string[] = [];
    /** Builds that ask: one is answered at the last moment, one is not. */
    const asking: string[] = [];
    const before = await start(options);
    try {
      const { client } = before;
      const { project_id } = await client.projects.create({
        requirement: "slow",
        pipeline: "slow",
        user_id: "u1",
      });
      made.push(project_id);
      await until("the second stage", async () => {
        const { stages_snapshot } = await client.projects.get({ project_id });
        return stages_snapshot.stages[1]?.status === "running" || undefined;
      });
      for (const name of ["answered", "open"]) {
        const about = { requirement: name, pipeline: "asks", user_id: "u1" };
        const { project_id: id } = await client.projects.create(about);
        made.push(id);
        asking.push(id);
        await until("the question", async () =>
          (await client.projects.get({ project_id: id })).status === "waiting" ? true : undefined,
        );
      }
      // Acknowledged a moment before the end of everything.
      await untyped(before).projects.answer({ project_id: asking[0] ?? "", ...answerOf("ada") });
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
    await expect.poll(() => processesOf(folder.path), { timeout: 10_000 }).toEqual([]);
    await writeFile(go, "");

    await using after = await start(options);
    const { client } = after;
    const listed = await client.projects.list({ user_id: "u1", limit: 100 });
    expect(listed.items.map((item) => item.project_id).sort()).toEqual([...made].sort());
    const all = await client.projects.list({ limit: 100 });
    expect(all.items.map((item) => item.project_id).sort()).toEqual([...made].sort());
    const [answered = "", open = ""] = asking;
    // What is asked is still asked. The API is killed over the answer; a repeat of it finds it done, or does it.
    const person = untyped(after).projects;
    expect((await person.get({ project_id: open })).status).toBe("waiting");
    const operation = { project_id: open, ...answerOf("bo"), operation_id: "answer of bo" };
    const lost = person.answer(operation).catch((error: unknown) => error);
    await killApi(folder.path);
    await lost;
    await until("an answer", () =>
      person.answer(operation).then(
        () => true,
        (error: unknown) => (error instanceof ConnectionError ? undefined : Promise.reject(error)),
      ),
    );
    for (const [project_id, by] of [
      [answered, "ada"],
      [open, "bo"],
    ] as const) {
      const refused = await person
        .answer({ project_id, ...answerOf("eve") })
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "STAGE_CONFLICT" });
      const { stages_snapshot } = await person.waitForEnd({ project_id });
      expect(stages_snapshot.stages[1]).toMatchObject({
        status: "completed",
        attempt: 1,
        output_data: { answer: { by } },
      });
    }

    const ended = await Promise.all(made.map((project_id) => client.projects.waitForEnd({ project_id })));
    expect(ended.map((project) => project.status)).toEqual(made.map(() => "completed"));
    const [first, second] = ended[0]?.stages_snapshot.stages ?? [];
    expect(first).toMatchObject({ attempt: 1, output_data: { artifacts: ["one.txt"] } });
    expect(second).toMatchObject({ attempt: 2, history: [{ attempt: 1, code: "WORKER_LOST" }] });
  });
});

/** The system's client for builds of any pipeline. */
function untyped({ url }: System) {
  return createClient({ url });
}

async function killApi(folder: string): Promise<void> {
  const commands = await Promise.all(
    (await processesOf(folder)).map(
      async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")] as const,
    ),
  );
  const api = commands.filter(([, command]) => /api.dist.main\.js/.test(command));
  expect(api).toHaveLength(1);
  for (const [pid] of api) killNow(pid);
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It went down with another one.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
