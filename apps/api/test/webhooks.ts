import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { MemoryRecordStore } from "@stagefold/core";
import { Webhook as Verifier } from "standardwebhooks";
import { afterEach, vi } from "vitest";
import { PATIENCE_MS } from "../../../tooling/vitest/until.ts";
import { type ContextDeps, createContextInner } from "../src/context.ts";
import { appRouter } from "../src/routers/index.ts";
import { WebhookDispatcher } from "../src/webhooks/dispatcher.ts";
import { memoryDeps, OWN_STAGES } from "./fixture.ts";

/** Called after each test, the last one first. */
export const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
  /** As `type project_id`. */
  readonly name: string;
}

/** A real server that keeps what it gets and answers as it is told; `undefined`: never. */
export async function aReceiver(answer: () => number | undefined = () => 200) {
  const got: Received[] = [];
  const server = createServer((req, res) => {
    void text(req).then((body) => {
      const status = answer();
      const { type, data } = JSON.parse(body);
      if (status === 200)
        got.push({
          headers: req.headers,
          body,
          path: req.url ?? "",
          name: `${type} ${data?.project?.project_id}`,
        });
      if (status !== undefined) res.writeHead(status, { location: "http://127.0.0.1:1/" }).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return { url: `http://127.0.0.1:${address.port}/hook`, got };
}

/** API processes on the same records and builds. */
export function aSystem(more: Partial<ContextDeps> = {}) {
  const records = new MemoryRecordStore();
  const deps = { ...memoryDeps(), records, ...more };
  // The clock of the test runs, and can be moved forward.
  const { clock } = deps;
  const standing = clock.now.bind(clock);
  const started = Date.now();
  clock.now = () => standing() + Date.now() - started;
  const process = (allowPrivate = true) => {
    let wake: (() => void) | undefined;
    const context = createContextInner({ ...deps, onWebhookChange: () => wake?.() });
    const dispatcher = new WebhookDispatcher({ ...context, publicUrl: undefined, allowPrivate });
    wake = () => dispatcher.wake();
    closers.push(() => dispatcher.close());
    return { dispatcher, context, call: appRouter.createCaller(context) };
  };
  const first = process();
  const { call } = first;
  /** A build of a program that claims it; it ends as it is told. */
  const begin = async () => {
    const { project_id } = await call.projects.create({ requirement: "x", stages: OWN_STAGES });
    const claimed = await call.work.claim({ owner: "w", project_id });
    if (!claimed) throw new Error("expected a claim");
    let { lease_seq } = claimed;
    const report = async (...events: Parameters<typeof call.work.report>[0]["events"]) => {
      lease_seq += 1;
      await call.work.report({ project_id, lease_token: claimed.lease_token, lease_seq, events });
    };
    await report({ event: "started", stage: "one" });
    const complete = () =>
      report(
        { event: "completed", stage: "one" },
        { event: "started", stage: "two" },
        { event: "completed", stage: "two" },
      );
    return { project_id, report, complete };
  };
  return { deps, records, process, begin, ...first };
}

export const until = (check: () => void) => vi.waitFor(check, { timeout: PATIENCE_MS, interval: 10 });

/** Whether the public library of Standard Webhooks takes it for ours, at the time that it says. */
export function verifies({ headers, body }: Received, secret: string): boolean {
  vi.setSystemTime(Number(headers["webhook-timestamp"]) * 1000);
  try {
    new Verifier(secret).verify(body, {
      "webhook-id": String(headers["webhook-id"]),
      "webhook-timestamp": String(headers["webhook-timestamp"]),
      "webhook-signature": String(headers["webhook-signature"]),
    });
    return true;
  } catch {
    return false;
  } finally {
    vi.useRealTimers();
  }
}
