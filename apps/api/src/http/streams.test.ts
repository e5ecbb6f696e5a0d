import { connect } from "node:net";
import type { Project } from "@stagefold/core";
import { EventSource } from "eventsource";
import { describe, expect, it } from "vitest";
import { memoryDeps } from "../../test/fixture.ts";
import { until } from "../../test/reading.ts";
import { type clientOf, query, serve } from "../../test/serve.ts";
import { createWatch, eventIdOf } from "../watch/index.ts";

async function setUp() {
  const deps = memoryDeps();
  const watch = createWatch(deps);
  const api = await serve({ ...deps, watch });
  const { project_id } = await deps.repository.control.create(
    { requirement: "x" },
    { stages: [{ stage: "one" }] },
  );
  return { ...api, deps, watch, project_id };
}

/** A subscription, and what it has heard. */
function follow(client: ReturnType<typeof clientOf>, project_id: string, lastEventId?: string) {
  const heard: { ids: string[]; errors: string[]; status: Project["status"][] } = {
    ids: [],
    errors: [],
    status: [],
  };
  const subscription = client.projects.watch.subscribe(
    { project_id, ...(lastEventId !== undefined && { lastEventId }) },
    {
      onData: ({ id, data }) => {
        // An id names the revision first.
        heard.ids.push(id.split("-", 1)[0] ?? "");
        heard.status.push(data.status);
      },
      onError: ({ data }) => heard.errors.push(data?.stagefold.code ?? "connection"),
    },
  );
  return { ...heard, stop: () => subscription.unsubscribe() };
}

describe("projects.watch over SSE", () => {
  it("gives the project at once and every later revision", async () => {
    await using api = await setUp();
    const { control } = api.deps.repository;
    const following = follow(api.client, api.project_id);
    await until(() => following.ids.length === 1);
    await control.pause(api.project_id);
    await until(() => following.ids.length === 2);
    await control.cancel(api.project_id);
    await until(() => following.ids.length === 3);
    expect(following).toMatchObject({
      ids: ["1", "2", "3"],
      status: ["queued", "paused", "cancelled"],
      errors: [],
    });
    following.stop();
    await until(() => api.watch.projects.open.watches === 0);
  });

  it("continues after the server was started again, without a gap and without a repeat", async () => {
    const api = await setUp();
    const { control } = api.deps.repository;
    const following = follow(api.client, api.project_id);
    await until(() => following.ids.length === 1);
    const closing = performance.now();
    await api.close();
    expect(performance.now() - closing).toBeLessThan(20_000);
    await until(() => api.watch.projects.open.watches === 0);
    await control.pause(api.project_id);
    await using again = await serve(memoryDeps(api.deps.store), Number(new URL(api.url).port));
    expect(again.url).toBe(api.url);
    await until(() => following.ids.length === 2);
    expect(following).toMatchObject({ ids: ["1", "2"], errors: [] });
    following.stop();
  });

  it("begins after the revision that a client names", async () => {
    await using api = await setUp();
    const made = await api.deps.repository.get(api.project_id);
    const paused = await api.deps.repository.control.pause(api.project_id);
    const [behind, level] = [
      follow(api.client, api.project_id, eventIdOf(made)),
      follow(api.client, api.project_id, eventIdOf(paused)),
    ];
    await until(() => behind.ids.length === 1);
    await api.deps.repository.control.resume(api.project_id);
    await until(() => level.ids.length === 1 && behind.ids.length === 2);
    expect([behind.ids, level.ids]).toEqual([["2", "3"], ["3"]]);
    behind.stop();
    level.stop();
  });

  it("ends with a typed error when there is no such project, or none any more", async () => {
    await using api = await setUp();
    const nowhere = follow(api.client, "proj_000000000000");
    const following = follow(api.client, api.project_id);
    await until(() => following.ids.length === 1);
    await api.deps.repository.control.delete(api.project_id);
    await until(() => nowhere.errors.length === 1 && following.errors.length === 1);
    expect([nowhere.errors, following.errors]).toEqual([["PROJECT_NOT_FOUND"], ["PROJECT_NOT_FOUND"]]);
    expect(api.watch.projects.open).toEqual({ watches: 0, projects: 0 });
  });

  it("leaves nothing behind when a client goes away, in order or not", async () => {
    await using api = await setUp();
    const { host, port } = new URL(api.url);
    const path = `/trpc/projects.watch${query({ project_id: api.project_id })}`;
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => undefined).resume();
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
      return socket;
    });
    await until(() => api.watch.projects.open.watches === 20);
    for (const [i, socket] of sockets.entries()) i % 2 ? socket.destroy() : socket.resetAndDestroy();
    await until(() => api.watch.projects.open.watches === 0);
    expect(api.watch.projects.open.projects).toBe(0);
  });

  it("is understood by any EventSource, which names the last event itself", async () => {
    await using api = await setUp();
    const ids: string[] = [];
    let cut = true;
    const source = new EventSource(`${api.url}/trpc/projects.watch${query({ project_id: api.project_id })}`, {
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (!cut) return response;
        // The connection breaks after the first event.
        cut = false;
        const first = response.body?.pipeThrough(
          new TransformStream({
            transform(chunk: Uint8Array, out) {
              out.enqueue(chunk);
              if (new TextDecoder().decode(chunk).includes("id: ")) out.terminate();
            },
          }),
        );
        return new Response(first ?? null, response);
      },
    });
    source.addEventListener("message", ({ lastEventId }) => ids.push(lastEventId.split("-", 1)[0] ?? ""));
    await until(() => ids.length === 1);
    await api.deps.repository.control.pause(api.project_id);
    await until(() => ids.length === 2);
    expect(ids).toEqual(["1", "2"]);
    source.close();
    await until(() => api.watch.projects.open.watches === 0);
  });
});

describe("projects.watchList over SSE", () => {
  it("tells of changes, filtered", async () => {
    await using api = await setUp();
    const heard: string[] = [];
    let open = false;
    const subscription = api.client.projects.watchList.subscribe(
      { user_id: "ann" },
      {
        onStarted: () => {
          open = true;
        },
        onData: ({ data }) => heard.push(data.kind === "changed" ? data.project.status : data.kind),
      },
    );
    await until(() => open && api.watch.list.open === 1);
    await api.client.projects.create.mutate({ requirement: "of bob", user_id: "bob" });
    const { project_id } = await api.client.projects.create.mutate({ requirement: "of ann", user_id: "ann" });
    await until(() => heard.length === 1);
    await api.client.projects.delete.mutate({ project_id });
    await until(() => heard.length === 2);
    expect(heard).toEqual(["queued", "removed"]);
    subscription.unsubscribe();
    await until(() => api.watch.list.open === 0);
  });
});

describe("closing", () => {
  it("lets a request finish that is being answered", async () => {
    const api = await setUp();
    const { store } = api.deps;
    const { get } = store;
    let asked = false;
    store.get = async (id) => {
      asked = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return get.call(store, id);
    };
    const answer = api.call(`/trpc/projects.get${query({ project_id: api.project_id })}`);
    await until(() => asked);
    await api.close();
    expect((await answer).status).toBe(200);
    await expect(api.call("/healthz")).rejects.toThrow();
  });
});
