import { TRPCClientError } from "@trpc/client";
import { describe, expect, it } from "vitest";
import { memoryDeps, OWN_STAGES } from "../../test/fixture.ts";
import { post, query, serve } from "../../test/serve.ts";
import type { ErrorShape } from "../errors.ts";

describe("the main flow over HTTP", () => {
  it("works with tRPC's own client, typed from the router", async () => {
    await using api = await serve();
    const { client } = api;
    const made = await client.projects.create.mutate({
      requirement: "x",
      pipeline: "mine",
      stages: OWN_STAGES,
    });
    const claimed = await client.work.claim.mutate({ owner: "program" });
    if (!claimed) throw new Error("expected work");
    const { lease_token, lease_seq } = claimed;
    const lease = { project_id: made.project_id, lease_token };
    expect((await client.work.heartbeat.mutate(lease)).status).toBe("building");
    const done = await client.work.report.mutate({
      ...lease,
      lease_seq: lease_seq + 1,
      events: [
        { event: "started", stage: "one" },
        { event: "log", stage: "one", lines: ["hello"] },
        { event: "completed", stage: "one", output: { answer: 42 } },
        { event: "skipped", stage: "two", reason: "enough" },
      ],
    });
    expect(done.status).toBe("completed");
    const [got, logs, list] = await Promise.all([
      client.projects.get.query({ project_id: made.project_id }),
      client.stages.logs.query({ project_id: made.project_id, stage: "one" }),
      client.projects.list.query(),
    ]);
    expect(got.stages_snapshot.stages[0]?.output_data.answer).toBe(42);
    expect(logs).toEqual({
      items: [{ text: "hello", stream: "log", at: expect.any(String) }],
      next_cursor: null,
    });
    expect(list.items).toHaveLength(1);
  });

  it("works with plain requests", async () => {
    await using api = await serve();
    const made = await api.call("/trpc/projects.create", post({ requirement: "Adds numbers" }));
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({ result: { data: { status: "queued", pipeline: "agent-build" } } });
    const { project_id } = await api.client.projects.list
      .query()
      .then(({ items }) => items[0] ?? { project_id: "" });
    const got = await api.call(`/trpc/projects.get${query({ project_id })}`);
    expect(got.body).toMatchObject({ result: { data: { project_id, revision: 1 } } });
    const cancelled = await api.call("/trpc/projects.cancel", post({ project_id }));
    expect(cancelled.body).toMatchObject({ result: { data: { status: "cancelled" } } });
  });

  it("gives a client the code and the data of a refusal", async () => {
    await using api = await serve();
    const { project_id } = await api.client.projects.create.mutate({ requirement: "x" });
    await api.client.projects.cancel.mutate({ project_id });
    const refused = await api.client.projects.pause.mutate({ project_id }).catch((error: unknown) => error);
    if (!(refused instanceof TRPCClientError)) throw new Error(`expected a refusal, got ${refused}`);
    const data: ErrorShape["data"] = refused.data;
    expect(data).toEqual({
      code: "CONFLICT",
      httpStatus: 409,
      path: "projects.pause",
      stagefold: { code: "PROJECT_CONFLICT", expected: "queued or building", actual: "cancelled" },
    });
  });
});

describe("the other addresses", () => {
  it("tell that the process is up and that the table answers", async () => {
    const deps = memoryDeps();
    await using api = await serve(deps);
    expect(await api.call("/healthz")).toMatchObject({ status: 200, body: { status: "ok" } });
    expect(await api.call("/readyz")).toMatchObject({ status: 200, body: { status: "ready" } });
    deps.store.ping = () => Promise.reject(new Error("down at /secret/path"));
    const down = await api.call("/readyz");
    expect(down).toMatchObject({
      status: 503,
      body: { error: { data: { stagefold: { code: "STORE_UNAVAILABLE" } } } },
    });
    expect(down.text).not.toContain("secret");
    expect((await api.call("/healthz")).status).toBe(200);
  });

  it("count what happens", async () => {
    await using api = await serve();
    await api.client.projects.create.mutate({ requirement: "x" });
    const { project_id } = await api.client.projects.create.mutate({
      requirement: "x",
      pipeline: "mine",
      stages: OWN_STAGES,
    });
    const claimed = await api.client.work.claim.mutate({ owner: "program" });
    if (!claimed) throw new Error("expected work");
    const late = { project_id, lease_token: claimed.lease_token };
    await api.client.work.report.mutate({
      ...late,
      lease_seq: claimed.lease_seq + 1,
      events: [
        { event: "started", stage: "one" },
        { event: "failed", stage: "one", message: "busy", retry_in_seconds: 60 },
      ],
    });
    await api.client.projects.cancel.mutate({ project_id });
    await expect(api.client.work.heartbeat.mutate(late)).rejects.toThrow();
    const { text } = await api.call("/metrics");
    expect(text).toContain('stagefold_refusals_total{procedure="work.heartbeat",code="LEASE_LOST"} 1');
    expect(text).toContain("stagefold_lease_lost_total 1");
    expect(text).toContain('stagefold_retries_total{by="stage"} 1');
    expect(text).toContain(
      'stagefold_procedure_duration_seconds_count{procedure="projects.create",type="mutation",outcome="ok"} 2',
    );
    expect(text).toContain('stagefold_project_changes_total{kind="changed"} 5');
    expect(text).toContain('stagefold_http_requests_total{route="trpc",method="POST",status="200"} 5');
    expect(text).toContain('stagefold_open_watches{kind="project"} 0');
  });
});
