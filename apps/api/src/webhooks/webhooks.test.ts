import { describe, expect, it, test } from "vitest";
import { aReceiver, aSystem, closers, until, verifies } from "../../test/webhooks.ts";
import { createContextInner } from "../context.ts";
import type { DueDelivery } from "./deliveries.ts";
import { WebhookDispatcher } from "./dispatcher.ts";
import { isPrivateAddress } from "./post.ts";

describe("a webhook", () => {
  it("gets what happens to builds, signed so that the public library verifies it", async () => {
    const { begin, call, dispatcher } = aSystem();
    const { url, got } = await aReceiver();
    const before = await begin();
    await before.complete();
    const { secret } = await call.webhooks.create({ url });
    dispatcher.start();
    const one = await begin();
    const two = await begin();
    await one.complete();
    await two.report({ event: "failed", stage: "one", message: "no <luck>" });
    await until(() => expect(got).toHaveLength(4));
    expect(got.map(({ name }) => name).toSorted()).toEqual(
      [
        `build.completed ${one.project_id}`,
        `build.failed ${two.project_id}`,
        `build.started ${one.project_id}`,
        `build.started ${two.project_id}`,
      ].toSorted(),
    );
    for (const one of got) {
      expect([verifies(one, secret), verifies({ ...one, body: `${one.body} ` }, secret)]).toEqual([
        true,
        false,
      ]);
    }
    expect(JSON.parse(got.find(({ name }) => name.includes("failed"))?.body ?? "")).toMatchObject({
      type: "build.failed",
      data: { project: { status: "failed", error_info: { message: "no <luck>" } } },
    });
  });

  it("brings a link that answers the question, where the webhook gets those, until it is answered", async () => {
    const { begin, call, deps, records, dispatcher } = aSystem();
    const publicUrl = new URL("https://builds.example.org/base");
    await dispatcher.close();
    const context = createContextInner({ ...deps, records });
    const withUrl = new WebhookDispatcher({ ...context, publicUrl, allowPrivate: true });
    closers.push(() => withUrl.close());
    const [plain, given, slack] = [await aReceiver(), await aReceiver(), await aReceiver()];
    const events = ["build.waiting" as const];
    await call.webhooks.create({ url: plain.url, events });
    const { webhook_id } = await call.webhooks.create({ url: given.url, events, answer_links: true });
    await call.webhooks.create({ url: slack.url, events, answer_links: true, format: "slack" });
    withUrl.start();
    const build = await begin();
    await build.report({ event: "waiting", stage: "one", question: "Publish <it>?" });
    await until(() => expect([plain, given, slack].map(({ got }) => got.length)).toEqual([1, 1, 1]));
    expect(JSON.parse(plain.got[0]?.body ?? "").data.gate).toBeUndefined();
    const { gate } = JSON.parse(given.got[0]?.body ?? "").data;
    expect(gate).toMatchObject({ stage: "one", question: "Publish <it>?" });
    const [, token = ""] = /^https:\/\/builds\.example\.org\/base\/answer#(.*)$/.exec(gate.answer_url) ?? [];
    expect(await context.answerLinks.read(token)).toMatchObject({ name: webhook_id, stage: "one" });
    expect(JSON.parse(slack.got[0]?.body ?? "").text).toMatch(/Publish &lt;it&gt;\? <https:.*#.*\|Answer>$/);
    await call.projects.answer({ project_id: build.project_id, stage: "one", value: true });
    const last = async () => (await call.webhooks.deliveries({ webhook_id })).items[0];
    await until(async () => expect((await last())?.status).toBe("delivered"));
    await call.webhooks.replay({ webhook_id, event_id: (await last())?.event_id ?? "" });
    withUrl.wake();
    await until(() => expect(given.got).toHaveLength(2));
    expect(JSON.parse(given.got[1]?.body ?? "").data.gate).toBeUndefined();
  });

  it("that fails for an hour gets every event once it is back, in order for each build, from whichever process", async () => {
    let status = 503;
    const { deps, begin, call, dispatcher, process } = aSystem();
    const { url, got } = await aReceiver(() => status);
    const { webhook_id, secret } = await call.webhooks.create({ url });
    const other = process();
    dispatcher.start();
    other.dispatcher.start();
    const builds = [];
    for (let n = 0; n < 5; n++) {
      const build = await begin();
      await build.complete();
      builds.push(build);
    }
    await until(async () => {
      const { items } = await call.webhooks.deliveries({ webhook_id });
      expect(items.filter(({ last_status }) => last_status === 503)).toHaveLength(5);
      expect(items).toHaveLength(10);
    });
    for (let minute = 0; minute < 60; minute += 5) {
      deps.clock.pass(300);
      dispatcher.wake();
      other.dispatcher.wake();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(got).toEqual([]);
    status = 200;
    // One that was on its way when the clock was moved may come twice, with one id.
    const ids = () => new Set(got.map(({ headers }) => headers["webhook-id"]));
    for (let look = 0; look < 40 && ids().size < 10; look++) {
      deps.clock.pass(300);
      dispatcher.wake();
      other.dispatcher.wake();
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(ids().size).toBe(10);
    expect(got.filter((one) => !verifies(one, secret))).toEqual([]);
    for (const { project_id } of builds)
      expect([...new Set(got.map(({ name }) => name).filter((name) => name.endsWith(project_id)))]).toEqual([
        `build.started ${project_id}`,
        `build.completed ${project_id}`,
      ]);
    await until(async () => {
      const { items } = await call.webhooks.deliveries({ webhook_id });
      expect(items.every((one) => one.status === "delivered" && one.last_status === 200)).toBe(true);
    });
  });

  it("L19: that failed while the clock was ahead is tried again at once when the clock is right again", async () => {
    let status = 503;
    const { deps, begin, call, dispatcher } = aSystem();
    const { url, got } = await aReceiver(() => status);
    const { webhook_id } = await call.webhooks.create({ url, events: ["build.completed"] });
    dispatcher.start();
    deps.clock.pass(30 * 86_400);
    await (await begin()).complete();
    const last = async () => (await call.webhooks.deliveries({ webhook_id })).items[0];
    await until(async () => expect(await last()).toMatchObject({ status: "pending", last_status: 503 }));
    deps.clock.pass(-30 * 86_400);
    status = 200;
    await until(async () => {
      dispatcher.wake();
      expect((await last())?.status).toBe("delivered");
    });
    expect(got).toHaveLength(1);
  });

  it("is told of what happened while no API ran", async () => {
    const { deps, begin, call, dispatcher, process } = aSystem();
    const { url, got } = await aReceiver();
    await call.webhooks.create({ url, events: ["build.completed"] });
    dispatcher.start();
    await dispatcher.close();
    const build = await begin();
    await build.complete();
    deps.clock.pass(3600);
    process().dispatcher.start();
    await until(() => expect(got.map(({ name }) => name)).toEqual([`build.completed ${build.project_id}`]));
    // A third process looks at the same builds again, and finds them delivered.
    process().dispatcher.start();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(got).toHaveLength(1);
  });

  it("is told of the start of a later run, though the first began long ago or before the webhook was made", async () => {
    const { deps, begin, call, dispatcher, process } = aSystem();
    const [early, late] = [await aReceiver(), await aReceiver()];
    const events = ["build.started", "build.cancelled"] as const;
    const first = await call.webhooks.create({ url: early.url, events: [...events] });
    const { project_id, report } = await begin();
    await report({ event: "failed", stage: "one", message: "no luck" });
    deps.clock.pass(25 * 3600);
    await call.webhooks.create({ url: late.url, events: [...events] });
    dispatcher.start();
    await call.projects.retry({ project_id });
    await call.work.claim({ owner: "w", project_id });
    const names = ({ got }: typeof early) => got.map(({ name }) => name);
    await until(() =>
      expect([early, late].map(names)).toEqual(Array(2).fill([`build.started ${project_id}`])),
    );
    const ids = (await call.webhooks.deliveries({ webhook_id: first.webhook_id })).items;
    expect(ids.map(({ event_id }) => event_id)).toEqual([`${project_id}.2.started`]);
    // A run that no worker began with has no start, also for a process that sees its end alone.
    await call.projects.cancel({ project_id });
    await until(() => expect(names(early)).toContain(`build.cancelled ${project_id}`));
    await dispatcher.close();
    await call.projects.retry({ project_id });
    await call.projects.cancel({ project_id });
    const next = process();
    next.dispatcher.start();
    await until(() => expect(names(late)).toHaveLength(3));
    expect(names(late).slice(1)).toEqual(Array(2).fill(`build.cancelled ${project_id}`));
  });

  it("that never answers keeps no other one waiting", async () => {
    const { begin, call, dispatcher } = aSystem();
    const silent = await aReceiver(() => undefined);
    const { url, got } = await aReceiver();
    await call.webhooks.create({ url: silent.url });
    await call.webhooks.create({ url, format: "slack" });
    dispatcher.start();
    for (let n = 0; n < 6; n++) await (await begin()).complete();
    await until(() => expect(got).toHaveLength(12));
    expect(JSON.parse(got[0]?.body ?? "")).toEqual({
      text: expect.stringMatching(/^Build \*x\* was started$/),
    });
  });

  it("gets its events behind more of a receiver that hangs than one look goes through", async () => {
    const { call, context, dispatcher } = aSystem();
    const [hanging, fine] = [await aReceiver(() => undefined), await aReceiver()];
    const { deliveries } = context;
    const of = async (url: string, count: number) => {
      const { webhook_id } = await call.webhooks.create({ url, events: ["budget.low"] });
      const data = { budget: { date: "2025-06-01", spent_usd: 9, limit_usd: 10 } };
      for (let n = 0; n < count; n++)
        await deliveries.add(webhook_id, {
          id: `e${n}`,
          type: "budget.low",
          order: `${n}#1`,
          at: undefined,
          data,
        });
      return webhook_id;
    };
    await of(hanging.url, 5);
    const good = await of(fine.url, 1);
    const rows: DueDelivery[] = [];
    for await (const row of deliveries.due()) rows.push(row);
    const own = rows.find(({ delivery }) => delivery.webhook_id === good);
    const others = rows.filter((row) => row !== own);
    const last = others.pop();
    if (!last || !own) throw new Error("expected what was added");
    // Thousands of real ones would take long: the last one of the receiver that hangs stands for them.
    const all = [...others, ...Array.from({ length: 6000 }, () => last), own];
    deliveries.due = async function* (from = "0") {
      for (let at = Number(from); at < all.length; at++) yield { ...(all[at] ?? own), place: String(at) };
    };
    dispatcher.start();
    await until(() => {
      dispatcher.wake();
      expect(fine.got).toHaveLength(1);
    });
  });

  it("has a list of deliveries whose cursor is good for no other webhook and no other list", async () => {
    const { call, context } = aSystem();
    const ids: string[] = [];
    for (const url of ["https://a.example.org", "https://b.example.org"]) {
      const { webhook_id } = await call.webhooks.create({ url, events: ["budget.low"] });
      const data = { budget: { date: "2025-06-01", spent_usd: 9, limit_usd: 10 } };
      for (const id of ["e1", "e2"])
        await context.deliveries.add(webhook_id, { id, type: "budget.low", order: id, at: undefined, data });
      ids.push(webhook_id);
    }
    const [mine = "", other = ""] = ids;
    const { next_cursor: cursor } = await call.webhooks.deliveries({ webhook_id: mine, limit: 1 });
    const rest = await call.webhooks.deliveries({ webhook_id: mine, cursor });
    expect(rest.items).toMatchObject([{ event_id: "e1" }]);
    const refused = { cause: { code: "INVALID_INPUT" } };
    await expect(call.webhooks.deliveries({ webhook_id: other, cursor })).rejects.toMatchObject(refused);
    await expect(call.schedules.list({ cursor })).rejects.toMatchObject(refused);
    // As it was before: a place of the store alone.
    const bare = JSON.stringify(["2025-06-01", "schedules", "x"]);
    await expect(call.schedules.list({ cursor: bare })).rejects.toMatchObject(refused);
  });

  it("signs with the secret before a rotation too, for a day, and sends again what is asked for", async () => {
    const { deps, begin, call, dispatcher } = aSystem();
    const { url, got } = await aReceiver();
    const made = await call.webhooks.create({ url, events: ["build.completed"] });
    const { webhook_id } = made;
    const rotated = await call.webhooks.rotate({ webhook_id });
    dispatcher.start();
    await (await begin()).complete();
    await until(() => expect(got).toHaveLength(1));
    const [first] = got;
    if (!first) throw new Error("expected a delivery");
    expect([verifies(first, made.secret), verifies(first, rotated.secret)]).toEqual([true, true]);
    const last = async () => (await call.webhooks.deliveries({ webhook_id })).items[0];
    await until(async () => expect((await last())?.status).toBe("delivered"));
    deps.clock.pass(25 * 3600);
    const delivery = await last();
    await call.webhooks.replay({ webhook_id, event_id: delivery?.event_id ?? "" });
    await until(() => expect(got).toHaveLength(2));
    const [, again] = got;
    if (!again) throw new Error("expected a second delivery");
    expect(again.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
    expect([verifies(again, made.secret), verifies(again, rotated.secret)]).toEqual([false, true]);
    expect(JSON.stringify(await call.webhooks.list())).not.toContain("whsec_");
  });

  it("follows no redirect, and reaches private addresses only where that is allowed", async () => {
    const { begin, call, process, dispatcher } = aSystem();
    const redirecting = await aReceiver(() => 302);
    const { webhook_id } = await call.webhooks.create({ url: redirecting.url, events: ["build.started"] });
    dispatcher.start();
    await begin();
    const last = async (id: string) => (await call.webhooks.deliveries({ webhook_id: id })).items[0];
    await until(async () =>
      expect(await last(webhook_id)).toMatchObject({ status: "pending", last_status: 302 }),
    );
    await dispatcher.close();
    await call.webhooks.update({ webhook_id, status: "paused", pipelines: ["docs"] });
    expect((await call.webhooks.list()).items[0]).toMatchObject({ pipelines: ["docs"], status: "paused" });
    const everything = await call.webhooks.update({ webhook_id, pipelines: null });
    expect(everything).toMatchObject({ status: "paused" });
    expect(everything).not.toHaveProperty("pipelines");

    const { url, got } = await aReceiver();
    const guarded = process(false);
    guarded.dispatcher.start();
    for (const address of [url, url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "[::1]")]) {
      const refused = await guarded.call.webhooks.create({ url: address, events: ["build.started"] });
      await begin();
      await until(async () =>
        expect(await last(refused.webhook_id)).toMatchObject({
          last_error: expect.stringMatching(/private address/),
        }),
      );
      await guarded.call.webhooks.delete({ webhook_id: refused.webhook_id });
    }
    expect(got).toEqual([]);
  });
});

test.each([
  ["127.0.0.1", true],
  ["10.1.2.3", true],
  ["169.254.169.254", true],
  ["172.31.0.1", true],
  ["192.168.0.1", true],
  ["0.0.0.0", true],
  ["::1", true],
  ["::", true],
  ["fd00::1", true],
  ["fe80::1", true],
  ["::ffff:10.0.0.1", true],
  ["::ffff:7f00:1", true],
  ["64:ff9b::a00:1", true],
  ["8.8.8.8", false],
  ["172.32.0.1", false],
  ["2606:4700::1111", false],
])("%s is a private address: %s", (address, expected) => {
  expect(isPrivateAddress(address)).toBe(expected);
});

test.each([
  [{ url: "ftp://example.org/" }],
  [{ url: "https://user:secret@example.org/" }],
  [{ url: "https://example.org/", events: [] }],
  [{ url: "https://example.org/", events: ["build.unknown"] }],
  [{ url: "mailto:ada" }],
  [{ url: "mailto:ada@example.org,bob@example.org" }],
  [{ url: "mailto:ada@example.org?bcc=bob@example.org" }],
  // No mail server is set.
  [{ url: "mailto:ada@example.org" }],
])("%o is refused", async (input) => {
  const { call } = aSystem();
  // The caller's types forbid some of these; programs in other languages have none.
  await expect(call.webhooks.create(JSON.parse(JSON.stringify(input)))).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
});
