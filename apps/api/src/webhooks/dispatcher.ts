import {
  type ChangeFeed,
  type ProjectSummary,
  type Repository,
  scopeOf,
  summaryOfRow,
  toTime,
} from "@stagefold/core";
import type { Logger } from "pino";
import { urlOf } from "../answer-links/answer-link.ts";
import type { AnswerLinks } from "../answer-links/answer-links.ts";
import { PollLoop } from "../poll-loop.ts";
import { SetBackClock } from "../set-back-clock.ts";
import type { Deliveries, Delivery, DueDelivery } from "./deliveries.ts";
import { bodyOf, eventsOf, type Gate, type WebhookEvent } from "./events.ts";
import type { SendMail } from "./mail.ts";
import type { Monitor } from "./monitor.ts";
import { type PostResult, post } from "./post.ts";
import { mailOf, slackBodyOf } from "./sentences.ts";
import { signedHeaders } from "./signature.ts";
import { type SigningWebhook, type Webhook, type Webhooks, wants } from "./webhooks.ts";

/** How long the dispatcher waits at most before it looks again. Milliseconds. */
const LOOK_MS = 5000;
/** Rows that one look goes through; the next one continues from there. */
const MAX_DUE = 5000;
/** Of one webhook at once: a receiver that is slow takes no time from the others. */
const MAX_SENDING = 4;
/** When webhooks begin to be served, events of so long ago are looked for: no API may have run then. Milliseconds. */
const CATCH_UP_MS = 24 * 60 * 60 * 1000;
const CATCH_UP_CREATED_MS = 7 * CATCH_UP_MS;
const MAX_CATCH_UP = 5000;
const MAX_SEEN = 20_000;

export interface DispatcherOptions {
  readonly webhooks: Webhooks;
  readonly deliveries: Deliveries;
  readonly feed: ChangeFeed;
  readonly repository: Repository;
  readonly answerLinks: AnswerLinks;
  /** Where people see builds; links in chat rooms lead there. */
  readonly publicUrl: URL | undefined;
  readonly allowPrivate: boolean;
  /** Undefined where no mail server is set. */
  readonly sendMail?: SendMail | undefined;
  /** Finds what no change of a build says, such as that no worker lives. */
  readonly monitor?: Monitor | undefined;
  readonly log?: Logger | undefined;
}

/**
 * Puts events of builds into the outbox and sends what is in it. Every API process has one. They share the work by the
 * records: an event is put once, and a delivery is taken by one of them at a time. A receiver may still get an event twice
 * (a process dies after sending); it has the same id then.
 */
export class WebhookDispatcher {
  readonly #options: DispatcherOptions;
  readonly #unrecorded = new Map<string, ProjectSummary>();
  readonly #seen = new Set<string>();
  readonly #sending = new Map<string, Set<string>>();
  readonly #stop = new AbortController();
  readonly #loop = new PollLoop(() => this.#poll());
  readonly #clock = new SetBackClock();
  #unsubscribe: (() => void) | undefined;
  /** Where the last look stopped before the end: behind many of a receiver that hangs there may be others. */
  #resumeAt: string | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop.start();
  }

  /** A webhook or a delivery was changed here: look now. */
  wake(): void {
    this.#loop.wake();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#unsubscribe?.();
    await this.#loop.close();
    while (this.#sending.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Resolves to the milliseconds until the next look. */
  async #poll(): Promise<number> {
    const { webhooks, deliveries, repository, log } = this.#options;
    try {
      const active = await webhooks.active();
      await this.#observeIf(active.length > 0);
      await this.#recordBuilds(active);
      for (const event of (await this.#options.monitor?.look(active)) ?? [])
        await this.#record(event, active);
      const all = active.length > 0 ? active : await webhooks.list();
      if (all.length === 0) return LOOK_MS;
      await this.#clock.retimed(repository.clock.now(), () => deliveries.retime());
      await this.#sendDue();
      const next = await deliveries.nextDue();
      if (next === undefined) return LOOK_MS;
      return Math.min(LOOK_MS, Math.max(100, Date.parse(next) - repository.clock.now()));
    } catch (error) {
      if (!this.#stop.signal.aborted)
        log?.error({ err: error }, "webhooks could not be served; it is tried again");
      return LOOK_MS;
    }
  }

  /** Changes cost something while they are watched, so they are watched only for webhooks that want them. */
  async #observeIf(wanted: boolean): Promise<void> {
    if (!wanted) {
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
      return;
    }
    if (this.#unsubscribe) return;
    const unsubscribe = this.#options.feed.watchRows((changes) => {
      for (const change of changes) if (change.kind === "changed") this.#observe(summaryOfRow(change.row));
    });
    this.#unsubscribe = unsubscribe;
    try {
      await this.#catchUp();
    } catch (error) {
      // The next look begins again with what happened before.
      unsubscribe();
      this.#unsubscribe = undefined;
      throw error;
    }
  }

  async #catchUp(): Promise<void> {
    const { repository } = this.#options;
    const since = toTime(repository.clock.now() - CATCH_UP_CREATED_MS);
    let count = 0;
    for (let cursor: string | undefined; count < MAX_CATCH_UP; ) {
      const page = await repository.lists.projects({ since }, 100, cursor);
      for (const project of page.items) this.#observe(project);
      count += page.items.length;
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
  }

  #observe(project: ProjectSummary): void {
    const events = eventsOf(project);
    if (events.every(({ id }) => this.#seen.has(id))) return;
    this.#unrecorded.set(project.project_id, project);
    this.#loop.wake();
  }

  /** Into the outbox; what the store does not take now stays for the next look. */
  async #recordBuilds(active: readonly Webhook[]): Promise<void> {
    for (const [projectId, project] of [...this.#unrecorded]) {
      for (const event of eventsOf(project)) await this.#record(event, active);
      if (this.#unrecorded.get(projectId) === project) this.#unrecorded.delete(projectId);
    }
  }

  async #record(event: WebhookEvent, active: readonly Webhook[]): Promise<void> {
    if (this.#seen.has(event.id)) return;
    const oldest = toTime(this.#options.repository.clock.now() - CATCH_UP_MS);
    const isRecent = event.at === undefined || event.at >= oldest;
    const wanted = isRecent ? active.filter((webhook) => wants(webhook, event)) : [];
    for (const { webhook_id } of wanted) await this.#options.deliveries.add(webhook_id, event);
    this.#remember(event.id);
  }

  #remember(eventId: string): void {
    this.#seen.add(eventId);
    const [oldest] = this.#seen;
    if (this.#seen.size > MAX_SEEN && oldest !== undefined) this.#seen.delete(oldest);
  }

  async #sendDue(): Promise<void> {
    let looked = 0;
    const from = this.#resumeAt;
    this.#resumeAt = undefined;
    for await (const row of this.#options.deliveries.due(from)) {
      looked += 1;
      if (this.#stop.signal.aborted) return;
      if (looked > MAX_DUE) {
        this.#resumeAt = row.place;
        return;
      }
      const { webhook_id } = row.delivery;
      const sending = this.#sending.get(webhook_id) ?? new Set();
      if (sending.has(row.key.sk) || sending.size >= MAX_SENDING) continue;
      this.#sending.set(webhook_id, sending.add(row.key.sk));
      void this.#send(row)
        .catch((error: unknown) => {
          const { log } = this.#options;
          log?.error({ err: error, webhook_id }, "an event could not be sent; it is tried again");
        })
        .finally(() => {
          sending.delete(row.key.sk);
          if (sending.size === 0) this.#sending.delete(webhook_id);
          this.#loop.wake();
        });
    }
  }

  async #send({ key, delivery }: DueDelivery): Promise<void> {
    const { webhooks, deliveries } = this.#options;
    const earlier = await deliveries.earlier({ key });
    if (earlier) return await deliveries.postpone(key, delivery, earlier);
    const taken = await deliveries.take(key, delivery);
    if (!taken) return;
    try {
      const webhook = await webhooks.get(delivery.webhook_id);
      if (webhook.status === "paused") {
        await deliveries.attempted(taken, { error: "the webhook is paused" });
        return;
      }
      const { event_id: id, type, created_at } = delivery;
      const gate = await this.#gateOf(delivery, taken.data.project, webhook);
      const data = { ...taken.data, ...(gate && { gate }) };
      const event: WebhookEvent = { id, type, order: key.sk, at: undefined, data };
      const outcome = await this.#transmit(webhook, event, created_at);
      // What this process breaks off as it ends says nothing of the receiver: another one takes it after the lease.
      if (!this.#stop.signal.aborted) this.#log(await deliveries.attempted(taken, outcome));
    } catch (error) {
      if (scopeOf(error) === "store") throw error;
      await deliveries.attempted(taken, { error: "the webhook is not there any more" });
    }
  }

  /** What a build asks, with a link to answer, for receivers that get those; undefined once it asks no more. */
  async #gateOf(
    { type }: Delivery,
    told: ProjectSummary | undefined,
    { webhook_id, answer_links }: Webhook,
  ): Promise<Gate | undefined> {
    const { repository, answerLinks, publicUrl } = this.#options;
    if (!answer_links || !told || publicUrl === undefined || type !== "build.waiting") return undefined;
    const project = await repository.get(told.project_id).catch((error: unknown) => {
      if (scopeOf(error) === "project") return undefined;
      throw error;
    });
    const made = project && (await answerLinks.make(project, { name: webhook_id }));
    if (!made || made.waiting.stage !== told.current_stage) return undefined;
    const { stage, question, answer_schema, expires_at } = made.waiting;
    return { stage, question, answer_schema, expires_at, answer_url: urlOf(made.token, publicUrl) };
  }

  async #transmit(
    { url, format, secrets, webhook_id }: SigningWebhook,
    event: WebhookEvent,
    createdAt: string,
  ): Promise<PostResult> {
    const { repository, publicUrl, allowPrivate, sendMail } = this.#options;
    const { project } = event.data;
    const link = project && publicUrl && new URL(`builds/${project.project_id}`, publicUrl).href;
    if (url.startsWith("mailto:")) {
      if (!sendMail) return { error: "no mail server is set (STAGEFOLD_SMTP_URL)" };
      const to = url.slice("mailto:".length);
      return await sendMail({ to, id: `${event.id}.${webhook_id}`, ...mailOf(event, link) });
    }
    const body = JSON.stringify(format === "slack" ? slackBodyOf(event, link) : bodyOf(event, createdAt));
    const headers = signedHeaders(event.id, Math.floor(repository.clock.now() / 1000), body, secrets);
    return await post({ url, body, headers, allowPrivate, signal: this.#stop.signal });
  }

  #log(delivery: Delivery): void {
    if (delivery.status === "failed")
      this.#options.log?.warn({ delivery }, "an event could not be delivered within a day");
  }
}
