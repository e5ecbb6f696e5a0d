import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dataFolder, startProcess } from "../test/api-process.ts";
import { until } from "../test/reading.ts";
import { clientOf, serve } from "../test/serve.ts";

describe("the API as a process, on SQLite", () => {
  it("keeps what was made over a kill of everything", async () => {
    await using data = await dataFolder();
    const env = { STAGEFOLD_DATA_DIR: data.path };
    const first = startProcess(env);
    const { project_id } = await clientOf(await first.ready()).projects.create.mutate({
      requirement: "x",
      user_id: "ann",
      agent_id: "agent_0123456789ab",
    });
    first.child.kill("SIGKILL");
    await first.exited;
    const second = startProcess(env);
    const client = clientOf(await second.ready());
    expect(await client.projects.get.query({ project_id })).toMatchObject({ project_id, status: "queued" });
    for (const filter of [{}, { user_id: "ann" }, { status: "queued" as const }])
      expect((await client.projects.list.query(filter)).items.map((item) => item.project_id)).toEqual([
        project_id,
      ]);
    second.child.kill("SIGTERM");
    expect(await second.exited).toBe(0);
  });

  it("shows a watcher what another process on the same table writes, in about a second", async () => {
    await using data = await dataFolder();
    const env = { STAGEFOLD_DATA_DIR: data.path };
    const one = startProcess(env);
    const here = clientOf(await one.ready());
    const other = startProcess(env);
    const elsewhere = clientOf(await other.ready());
    const { project_id } = await here.projects.create.mutate({ requirement: "x" });
    const seen: [revision: string, at: number][] = [];
    const listed: string[] = [];
    const watch = here.projects.watch.subscribe(
      { project_id },
      { onData: ({ id }) => seen.push([id, performance.now()]) },
    );
    const list = here.projects.watchList.subscribe(
      {},
      {
        onData: ({ data: change }) =>
          listed.push(change.kind === "changed" ? change.project.status : change.kind),
      },
    );
    await until(() => seen.length === 1);
    await elsewhere.projects.pause.mutate({ project_id });
    const acknowledged = performance.now();
    await until(() => seen.length === 2);
    // It looks every 700 ms; a machine that is busy with other tests adds to that.
    expect((seen[1]?.[1] ?? Number.NaN) - acknowledged).toBeLessThan(2000);
    await until(() => listed.includes("paused"));
    watch.unsubscribe();
    list.unsubscribe();
    other.child.kill("SIGTERM");
    expect(await other.exited).toBe(0);
    one.child.kill("SIGTERM");
    expect(await one.exited).toBe(0);
  });

  it("ends when the process that started it is gone", async () => {
    await using data = await dataFolder();
    const api = startProcess({ STAGEFOLD_DATA_DIR: data.path });
    await api.ready();
    api.child.disconnect();
    expect(await api.exited).toBe(0);
  });

  it("serves the pipelines of a folder", async () => {
    await using data = await dataFolder();
    const pipelines = join(import.meta.dirname, "../test/pipelines");
    const api = startProcess({ STAGEFOLD_DATA_DIR: data.path, STAGEFOLD_PIPELINES: pipelines });
    const { items } = await clientOf(await api.ready()).pipelines.list.query();
    expect(items.map(({ name }) => name)).toEqual(["agent-build", "greet"]);
    api.child.kill("SIGTERM");
    await api.exited;
  });
});

describe("an API that cannot be started says why in a sentence", () => {
  it.each([
    [
      "an unknown setting",
      { STAGEFOLD_PROT: "1" },
      2,
      /^STAGEFOLD_PROT is not a setting .*STAGEFOLD_PORT\?\n$/,
    ],
    ["a malformed value", { STAGEFOLD_PORT: "http" }, 2, /^STAGEFOLD_PORT must be .*\n$/],
    ["an address of others", { STAGEFOLD_HOST: "0.0.0.0" }, 2, /^The API cannot listen on 0\.0\.0\.0: .*\n$/],
    [
      "a folder that is not there",
      { STAGEFOLD_PIPELINES: "/nowhere" },
      2,
      /^\/nowhere: expected a readable folder.*\n$/,
    ],
    [
      "a data folder that cannot be",
      { STAGEFOLD_DATA_DIR: "/proc/nowhere" },
      1,
      /^[^\n]*\/proc\/nowhere[^\n]*\n$/,
    ],
  ])("%s", async (_name, env, code, sentence) => {
    await using data = await dataFolder();
    const api = startProcess({ STAGEFOLD_DATA_DIR: data.path, ...env });
    expect(await api.exited).toBe(code);
    expect(api.stderr()).toMatch(sentence);
  });

  it("a port in use", async () => {
    await using data = await dataFolder();
    await using other = await serve();
    const { port } = new URL(other.url);
    const api = startProcess({ STAGEFOLD_DATA_DIR: data.path, STAGEFOLD_PORT: port });
    expect(await api.exited).toBe(1);
    expect(api.stderr()).toMatch(new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is in use\\..*\\n$`));
  });
});
