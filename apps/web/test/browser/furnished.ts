import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type StagefoldClient } from "@stagefold/client";
import { until } from "../../../../tooling/vitest/until.ts";
import { startSystem } from "./system.ts";

const PIPELINES = {
  "release.yaml": `
name: release
description: { en: "Tests, packs and publishes a release", zh: "测试、打包并发布" }
requirement: optional
input: { type: object, properties: { market: { type: string, title: Market }, copies: { type: integer, title: Copies } } }
stages:
  - stage: plan
    stage_name: { en: Plan, zh: 计划 }
    command: |
      mkdir -p out; printf '# Plan\\n\\nWith [a link](https://example.org) in it.\\n' > out/plan.md
      printf 'a,b\\n1,2\\n' > out/figures-of-the-quarter-with-a-long-name.csv
      echo planned
    artifacts: ["out/**"]
  - { stage: unit, stage_name: { en: Unit tests, zh: 单元测试 }, needs: [plan], command: "echo tested" }
  - { stage: docs, stage_name: { en: Docs, zh: 文档 }, needs: [plan], command: "echo written" }
  - stage: review
    stage_name: { en: Review, zh: 审核 }
    needs: [unit, docs]
    gate:
      question: Is this release to be published?
      answer:
        type: object
        properties:
          ok: { type: boolean }
          comment: { type: string }
          channels: { type: array, items: { enum: [mail, chat] } }
          draft: { type: boolean }
        required: [ok]
      accept: { ok: true }
      timeout_seconds: 86400
      on_timeout: fail
  - { stage: publish, stage_name: { en: Publish, zh: 发布 }, command: "echo published" }
`,
  "broken.yaml": `
name: broken
stages:
  - { stage: first, comand: "true" }
`,
};

/** A requirement as people write them. */
const REQUIREMENT =
  "我们需要一个智能体，读取客户发来的发票（PDF 或图片），核对订单号、金额与币种；what does not agree goes into a table, and everything over 10,000 EUR is asked about first.";

/** All pages, by a name: the address of each, and a text of what real use has left on it. */
export type Pages = Readonly<Record<string, { readonly path: string; readonly shows: string }>>;

export interface Furnished extends AsyncDisposable {
  readonly url: string;
  readonly client: StagefoldClient;
  /** Of an administrator, for `/#key=`. */
  readonly key: string;
  readonly pages: Pages;
}

/** A system with keys that has been used: each page has builds, agents, talks, deliveries, with long names and failures. */
export async function startFurnished(): Promise<Furnished> {
  const folder = await mkdtemp(join(tmpdir(), "stagefold-pipelines-"));
  for (const [name, text] of Object.entries(PIPELINES)) await writeFile(join(folder, name), text);
  const system = await startSystem({
    STAGEFOLD_AUTH: "keys",
    STAGEFOLD_PIPELINES: folder,
  });
  const end = async () => {
    await system[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const key = await until("the first key", async () => {
      const text = await readFile(join(system.dataDir, "admin-key"), "utf8").catch(() => "");
      return text.trim() === "" ? undefined : text.trim();
    });
    const client = createClient({ url: system.url, key });
    const pages = await furnish(client, system.url);
    return { url: system.url, client, key, pages, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function furnish(client: StagefoldClient, url: string): Promise<Pages> {
  const { webhook_id } = await client.webhooks.create({ url: `${url}/no/such/receiver/of/a/long/name` });
  await client.webhooks.create({ url: `${url}/healthz`, events: ["build.failed"] });
  const made = await client.projects.create({
    requirement: "Counts words, sentences and paragraphs of a text",
    project_name: "text_statistics",
    user_id: "grace",
    user_name: "Grace Hopper",
    tags: ["text", "季度报告"],
  });
  const other = await client.projects.create({
    requirement: REQUIREMENT,
    project_name: "日期助手_按区域汇总并发送邮件",
    user_id: "wang.xiaoming@example.org",
    user_name: "王小明",
  });
  const gate = await client.projects.create({
    pipeline: "release",
    project_name: "release_2026_11_with_all_of_its_translations",
    user_id: "grace",
    user_name: "Grace Hopper",
    input: { market: "Österreich", copies: 3 },
  });
  const failed = await failedBuild(client);
  const ended = (project_id: string, status: string) =>
    until(`${project_id} ${status}`, async () => {
      const project = await client.projects.get({ project_id });
      return project.status === status ? project : undefined;
    });
  await ended(made.project_id, "completed");
  await ended(other.project_id, "completed");
  await ended(gate.project_id, "waiting");
  const agent = await until("the agents", async () => {
    const { items } = await client.agents.list({});
    return items.length < 2 ? undefined : items.find(({ agent_name }) => agent_name === "text_statistics");
  });
  const { agent_id } = agent;
  const { session_id } = await client.sessions.create({ agent_id });
  const turns = ["How many words has: one two three four", `统计这段文字：${"季度报告 ".repeat(40)}`];
  for (const [i, text] of turns.entries()) {
    await client.turns.send({
      session_id,
      text,
      files: [{ name: "orders_of_the_quarter.csv", text: "a,b" }],
    });
    await until(`turn ${i + 1}`, async () => {
      const { items } = await client.turns.list({ session_id });
      return items.length > i && items.every(({ status }) => status !== "running");
    });
  }
  const { invocation_id } = await client.agents.invoke({ agent_id, text: "How many words has: a b c" });
  const wanted = { pipeline: "agent-build", requirement: REQUIREMENT };
  await client.schedules.create({
    name: "夜间报告：汇总所有区域的订单",
    cron: "30 2 * * 1-5",
    time_zone: "Asia/Shanghai",
    build: wanted,
  });
  const paused = await client.schedules.create({
    name: "monthly_invoices_of_all_regions_and_currencies",
    cron: "0 6 1 * *",
    time_zone: "UTC",
    build: wanted,
  });
  await client.schedules.pause({ schedule_id: paused.schedule_id });
  for (const name of ["季度报告的自动化脚本", "continuous-integration-of-the-invoices-team"])
    await client.keys.create({ name, role: "member" });
  const revoked = await client.keys.create({ name: "laptop", role: "viewer" });
  await client.keys.revoke({ key_id: revoked.key_id });
  const build = (id: string, search = "") => `/builds/${id}${search}`;
  return {
    builds: { path: "/", shows: "text_statistics" },
    "a build": { path: build(made.project_id), shows: "Talk" },
    "a failed build": { path: build(failed), shows: "What to do" },
    "its attempts": { path: build(failed, "?stage=train&tab=attempts"), shows: "STAGE_FAILED" },
    "its output": { path: build(made.project_id, "?tab=output"), shows: "Output" },
    "its figures": { path: build(made.project_id, "?tab=metrics"), shows: "Metrics" },
    "its artifacts": {
      path: build(gate.project_id, "?view=artifacts&file=out%2Fplan.md&from=plan"),
      shows: "a link",
    },
    "its history": { path: build(failed, "?view=history"), shows: "Attempt 2" },
    "a gate": { path: build(gate.project_id), shows: "Is this release to be published?" },
    compare: { path: `/compare?a=${made.project_id}&b=${failed}`, shows: "Write the rules" },
    "new build": { path: "/new", shows: "Requirement" },
    "new build with input": { path: "/new?pipeline=release", shows: "Market" },
    statistics: { path: "/statistics", shows: "Most failing stages" },
    pipelines: { path: "/pipelines", shows: "Unit tests" },
    agents: { path: "/agents", shows: "text_statistics" },
    agent: { path: `/agents/${agent_id}`, shows: "What it can do" },
    calls: { path: `/agents/${agent_id}/calls`, shows: "How many words" },
    call: { path: `/calls/${invocation_id}`, shows: "How many words" },
    talk: { path: `/talk/${session_id}`, shows: "one two three four" },
    schedules: { path: "/schedules", shows: "monthly_invoices" },
    workers: { path: "/workers", shows: "Nothing at present" },
    webhooks: { path: "/webhooks", shows: "receiver" },
    webhook: { path: `/webhooks/${webhook_id}`, shows: "build." },
    keys: { path: "/keys", shows: "laptop" },
    audit: { path: "/audit", shows: "keys.revoke" },
    "nothing there": { path: "/no/such/page", shows: "There is no such page" },
  };
}

/** A program's build that failed at its second attempt. */
async function failedBuild(client: StagefoldClient): Promise<string> {
  const { project_id } = await client.projects.create({
    requirement: REQUIREMENT,
    project_name: "invoice_checker_for_the_quarterly_report_of_all_regions_2026",
    user_id: "grace",
    user_name: "Grace Hopper",
    tags: ["data", "nightly", "发票", "of-the-team-with-the-long-name"],
    pipeline: "own",
    stages: [
      { stage: "collect", stage_name: "Collect the examples" },
      { stage: "train", stage_name: "Write the rules and hold them against every example of last year" },
      { stage: "check", stage_name: "检查" },
    ],
  });
  const run = async (retry: boolean) => {
    const held = await client.work.claim({ owner: "reports-machine-0815", project_id });
    if (!held) throw new Error(`expected to claim ${project_id}`);
    let { lease_seq } = held;
    const report = (...events: Parameters<typeof client.work.report>[0]["events"]) =>
      client.work.report({ project_id, lease_token: held.lease_token, lease_seq: ++lease_seq, events });
    if (!retry)
      await report(
        { event: "started", stage: "collect" },
        { event: "started", stage: "collect", sub_stage: "orders-of-the-last-quarter" },
        { event: "completed", stage: "collect", sub_stage: "orders-of-the-last-quarter" },
        { event: "completed", stage: "collect", output: { invoices: 240 } },
      );
    await report(
      { event: "started", stage: "train" },
      { event: "log", stage: "train", lines: ["rule 1: totals agree", "Error: order 4711 has no currency"] },
      { event: "failed", stage: "train", message: "order 4711 has no currency", code: "STAGE_FAILED" },
    );
  };
  await run(false);
  await client.projects.retry({ project_id });
  await run(true);
  return project_id;
}
