import { once } from "node:events";
import { DailySpending, MemoryRecordStore, type ReportEvent, StagefoldError } from "@stagefold/core";
import { WorkerDirectory } from "@stagefold/runtime/worker-directory";
import { SMTPServer } from "smtp-server";
import { describe, expect, it } from "vitest";
import { TestClock } from "../../test/fixture.ts";
import { aReceiver, aSystem, closers, until } from "../../test/webhooks.ts";
import type { WebhookEvent } from "./events.ts";
import { Incidents } from "./incidents.ts";
import { createMailer } from "./mail.ts";
import { mailOf, slackBodyOf } from "./sentences.ts";
import type { Webhook } from "./webhooks.ts";

/** A real mail server that keeps what it gets; its first answers may be refusals. */
async function aMailServer(refusals = 0) {
  const got: { readonly to: string[]; readonly text: string }[] = [];
  const signIns: string[] = [];
  let left = refusals;
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) => {
      signIns.push(username ?? "");
      if (password === "pass word") done(null, { user: username });
      else done(new Error("no"));
    },
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        if (left-- > 0) return done(Object.assign(new Error("try later"), { responseCode: 451 }));
        got.push({
          to: envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
        });
        done();
      });
    },
  });
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  closers.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  const url = `smtp://ada:pass%20word@127.0.0.1:${address.port}`;
  return { mail: { url, from: "Stagefold <builds@example.org>" }, got, signIns };
}

const SLOT = { version: "0", node_version: "20", started_at: "", slots: 1, pipelines: { "two-steps": "d" } };

describe("an alert", () => {
  it("goes as mail through a real server, once it takes it, with the id of its event", async () => {
    const { mail, got } = await aMailServer(1);
    const { deps, begin, call, dispatcher } = aSystem({ mail });
    const url = "mailto:ops@example.org";
    const { webhook_id } = await call.webhooks.create({ url, events: ["build.failed"] });
    dispatcher.start();
    const build = await begin();
    await build.report({ event: "failed", stage: "one", message: "no luck\nBcc: eve@example.org" });
    const deliveries = async () => (await call.webhooks.deliveries({ webhook_id })).items;
    await until(async () => expect(await deliveries()).toMatchObject([{ last_status: 451, attempts: 1 }]));
    deps.clock.pass(6);
    dispatcher.wake();
    await until(async () =>
      expect(await deliveries()).toMatchObject([{ status: "delivered", last_status: 250 }]),
    );
    expect(got).toHaveLength(1);
    expect(got[0]?.to).toEqual(["ops@example.org"]);
    expect(got[0]?.text).toContain("From: Stagefold <builds@example.org>");
    expect(got[0]?.text).toContain("Subject: [Stagefold] Build x failed");
    expect(got[0]?.text).toContain(`Message-ID: <${build.project_id}.1.failed.${webhook_id}@stagefold>`);
    expect(got[0]?.text.split("\r\n\r\n")[1]).toContain("Build x failed: no luck");
  });

  it("sends no password without TLS to another machine", async () => {
    const { mail, got, signIns } = await aMailServer();
    const url = mail.url.replace("127.0.0.1", "0.0.0.0");
    const sent = await createMailer({ ...mail, url })({
      to: "a@b.example",
      subject: "x",
      text: "x",
      id: "x",
    });
    // This server has none.
    expect(sent).toEqual({ status: 500 });
    expect([signIns, got]).toEqual([[], []]);
  });

  it("is for builds of a pipeline, with a tag, of a user, as the webhook asks", async () => {
    const { call, dispatcher } = aSystem();
    const { url, got } = await aReceiver();
    const of = { events: ["build.cancelled" as const] };
    await call.webhooks.create({ url: `${url}?tags`, ...of, tags: ["nightly", "release"] });
    await call.webhooks.create({ url: `${url}?users`, ...of, user_ids: ["ada"], pipelines: ["two-steps"] });
    dispatcher.start();
    const made = [{ tags: ["release"] }, { tags: ["other"], user_id: "ada" }, { user_id: "bob" }].map(
      (more) => call.projects.create({ requirement: "x", pipeline: "two-steps", ...more }),
    );
    const [tagged, adas] = await Promise.all(
      made.map(async (one) => await call.projects.cancel({ project_id: (await one).project_id })),
    );
    await until(() => expect(got).toHaveLength(2));
    expect(got.map(({ path, name }) => [path, name]).toSorted()).toEqual([
      ["/hook?tags", `build.cancelled ${tagged?.project_id}`],
      ["/hook?users", `build.cancelled ${adas?.project_id}`],
    ]);
  });

  it("begins after its time though the clock is set back, and not before though it is set ahead", async () => {
    const clock = new TestClock();
    const incidents = new Incidents(new MemoryRecordStore(), clock, clock.monotonic);
    const watched = {
      subject: "queue",
      begin: "queue.stuck",
      end: "queue.recovered",
      holdMs: 60_000,
    } as const;
    const types = async () => (await incidents.observe(watched, "stuck")).map(({ type, at }) => [type, at]);
    expect(await types()).toEqual([]);
    clock.set("2025-06-01T11:00:00.000Z");
    expect(await types()).toEqual([]);
    clock.set("2025-06-01T09:00:00.000Z");
    clock.pass(60);
    expect(await types()).toEqual([["queue.stuck", "2025-06-01T09:01:00.000Z"]]);
  });

  it("of a deployment without workers comes once from several APIs, and so does its end", async () => {
    const { deps, records, call, dispatcher, process } = aSystem();
    const { url, got } = await aReceiver();
    await call.webhooks.create({ url, events: ["workers.none"] });
    const dispatchers = [dispatcher, process().dispatcher, process().dispatcher];
    for (const one of dispatchers) one.start();
    const look = async (seconds: number) => {
      deps.clock.pass(seconds);
      for (const one of dispatchers) one.wake();
      await new Promise((resolve) => setTimeout(resolve, 60));
    };
    const workers = new WorkerDirectory(records, deps.clock);
    const live = () => workers.announce({ ...SLOT, owner: "w", running: [] });
    await live();
    for (let n = 0; n < 4; n++) await look(31);
    expect(got).toEqual([]);
    // A restart of a minute is none.
    await live();
    for (let n = 0; n < 8; n++) await look(31);
    // One that was on its way when the clock was moved may come twice, with one id.
    const told = () => [...new Map(got.map(({ headers, body }) => [headers["webhook-id"], body])).values()];
    await until(() => expect(told()).toHaveLength(1));
    await live();
    await look(31);
    await until(() => expect(told()).toHaveLength(2));
    await live();
    await look(31);
    const bodies = told().map((body) => JSON.parse(body));
    expect(bodies.map(({ type }) => type)).toEqual(["workers.none", "workers.recovered"]);
    const { since, opened_at, until: over } = bodies[1].data.incident;
    expect([since < opened_at, opened_at < over]).toEqual([true, true]);
    expect(bodies[0].data.incident).toEqual({ since, opened_at, detail: "no worker was heard of" });
  });

  it("of a queue that is stuck waits until workers with room have left a build alone, and none is due to a limit", async () => {
    const { deps, records, call, look } = aMonitor(["queue.stuck"], { maxRunningPerUser: 1 });
    const workers = new WorkerDirectory(records, deps.clock);
    const build = () => call.projects.create({ requirement: "x", pipeline: "two-steps", user_id: "ada" });
    const [first, second] = [await build(), await build()];
    const claimed = await deps.repository.work.claim(first.project_id, "w", first.work_queue);
    const lease = claimed?.lease_token ?? 0;
    const forMinutes = async (minutes: number, running: string[], isHeld = false) => {
      const told: WebhookEvent[] = [];
      for (let n = 0; n < 2 * minutes; n++) {
        if (isHeld) await deps.repository.work.heartbeat(first.project_id, lease);
        await workers.announce({
          ...SLOT,
          owner: "w",
          running: running.map((project_id) => ({ project_id })),
        });
        told.push(...(await look()));
      }
      return [...new Set(told.map(({ id }) => id))].map((id) => told.find((one) => one.id === id));
    };
    // The first one runs, in the worker's only slot; then there is room, but its user may have no more than one.
    expect(await forMinutes(20, [first.project_id], true)).toEqual([]);
    expect(await forMinutes(10, [], true)).toEqual([]);
    await call.projects.cancel({ project_id: first.project_id });
    expect(await forMinutes(4, [])).toEqual([]);
    const [stuck, ...more] = await forMinutes(8, []);
    expect(more).toEqual([]);
    expect(slackBodyOf(must(stuck), undefined).text).toMatch(
      new RegExp(
        `^The queue is stuck: the build ${second.project_id} of the pipeline two-steps .* free slot`,
      ),
    );
    const [again, over] = await forMinutes(1, [second.project_id]);
    expect([again?.id, over?.type]).toEqual([stuck?.id, "queue.recovered"]);
    expect(slackBodyOf(must(over), undefined).text).toMatch(/^The queue moves again: it was not from 2025/);
  });

  it("of a build whose pipeline no worker has says so, also while others run", async () => {
    const { deps, records, call, look } = aMonitor(["queue.stuck"]);
    const workers = new WorkerDirectory(records, deps.clock);
    await call.projects.create({ requirement: "x", pipeline: "two-steps" });
    let told: WebhookEvent[] = [];
    for (let n = 0; n < 34; n++) {
      const running = [{ project_id: `proj_${String(n).padStart(12, "0")}` }];
      await workers.announce({ ...SLOT, owner: "w", pipelines: { other: "d" }, running });
      told = await look();
    }
    expect(told.map(({ data }) => data.incident?.detail)).toEqual([
      expect.stringMatching(/no worker has its pipeline$/),
    ]);
  });

  it("of a slow build comes once, when it takes half as long again as builds of its pipeline do", async () => {
    const { deps, call, look } = aMonitor(["build.slow"]);
    const begin = async () => {
      const made = await call.projects.create({ requirement: "x", pipeline: "two-steps" });
      const { project_id, work_queue } = made;
      const claimed = await deps.repository.work.claim(project_id, "w", work_queue);
      const lease_token = claimed?.lease_token ?? 0;
      const report = async (lease_seq: number, ...events: ReportEvent[]) => {
        await deps.repository.work.report({ project_id, lease_token, lease_seq, events });
      };
      await report(1, { event: "started", stage: "first" });
      return { project_id, report };
    };
    for (let n = 0; n < 10; n++) {
      const { report } = await begin();
      deps.clock.pass(50);
      await report(2, { event: "completed", stage: "first" }, { event: "started", stage: "second" });
      deps.clock.pass(50);
      await report(3, { event: "completed", stage: "second" });
    }
    const { project_id } = await begin();
    for (let n = 0; n < 4; n++) expect(await look()).toEqual([]);
    const [slow, ...more] = [...(await look()), ...(await look()), ...(await look())];
    expect(more).toEqual([]);
    expect([slow?.id, slow?.type]).toEqual([`${project_id}.1.slow`, "build.slow"]);
    expect(slow?.data.slow?.usual_seconds).toBeCloseTo(100, 0);
    expect(slow?.data.slow?.active_seconds).toBeGreaterThan(150);
    expect(mailOf(must(slow), undefined).text).toMatch(
      /^Build x takes longer than usual: its stages have run for 3 min, and 19 of 20 builds of two-steps need less than 100 s\.$/m,
    );
  });

  it("of a slow build comes though another build that runs cannot be read", async () => {
    const { deps, call, look } = aMonitor(["build.slow"]);
    const start = async () => {
      const { project_id, work_queue } = await call.projects.create({
        requirement: "x",
        pipeline: "two-steps",
      });
      const claimed = await deps.repository.work.claim(project_id, "w", work_queue);
      const lease = { project_id, lease_token: claimed?.lease_token ?? 0 };
      await deps.repository.work.report({
        ...lease,
        lease_seq: 1,
        events: [{ event: "started", stage: "first" }],
      });
      return lease;
    };
    for (let n = 0; n < 10; n++) {
      const lease = await start();
      deps.clock.pass(50);
      const events: ReportEvent[] = [
        { event: "completed", stage: "first" },
        { event: "started", stage: "second" },
      ];
      await deps.repository.work.report({ ...lease, lease_seq: 2, events });
      await deps.repository.work.report({
        ...lease,
        lease_seq: 3,
        events: [{ event: "completed", stage: "second" }],
      });
    }
    const { project_id } = await start();
    const { project_id: damaged } = await start();
    const get = deps.repository.get.bind(deps.repository);
    deps.repository.get = async (id) => {
      if (id === damaged) throw new StagefoldError("SNAPSHOT_UNREADABLE", "no stages", { project_id: id });
      return await get(id);
    };
    deps.clock.pass(200);
    expect((await look()).map(({ id }) => id)).toEqual([`${project_id}.1.slow`]);
  });

  it("of the day's budget comes at 80 per cent and when it is spent", async () => {
    const { deps, records, look } = aMonitor(["budget.low"], { budgetUsd: 10 });
    const spending = new DailySpending(records, deps.clock);
    const after = async (usd: number) => {
      await spending.add(usd);
      return (await look()).map(({ id }) => id);
    };
    expect(await after(7)).toEqual([]);
    expect(await after(1.5)).toEqual(["budget.2025-06-01.low"]);
    expect(await after(2)).toEqual(["budget.2025-06-01.low", "budget.2025-06-01.spent"]);
  });
});

/** A monitor that looks every half minute, for one webhook. */
function aMonitor(events: Webhook["events"], more: Parameters<typeof aSystem>[0] = {}) {
  const { context, ...system } = aSystem(more);
  const webhook: Webhook = {
    webhook_id: "hook_0",
    url: "https://example.org/",
    description: "",
    events,
    format: "standard",
    answer_links: false,
    status: "active",
    created_at: "",
    created_by: "",
  };
  const look = async () => {
    system.deps.clock.pass(31);
    return await context.monitor.look([webhook]);
  };
  return { ...system, look };
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("expected an event");
  return value;
}
