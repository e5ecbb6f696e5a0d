import type { IncomingMessage, ServerResponse } from "node:http";
import type { Project } from "@stagefold/core";
import type { Logger } from "pino";
import type { z } from "zod";
import { accessTo } from "../../auth/access.ts";
import type { Auth } from "../../auth/authenticate.ts";
import { isGranted } from "../../auth/principal.ts";
import { markProven } from "../../connections.ts";
import type { Context } from "../../context.ts";
import type { ErrorShape } from "../../errors.ts";
import { errorShapeOf } from "../../errors.ts";
import { rejectUnsafeKeys } from "../../reject-unsafe-keys.ts";
import { WATCH_INPUTS } from "../../routers/watch.ts";
import { PING_MS } from "../../trpc.ts";
import type { ProjectReader } from "../../watch/index.ts";
import { SECURITY_HEADERS } from "../headers.ts";
import { type HostPolicy, isForeignRequest } from "../host-check.ts";
import type { Metrics } from "../metrics.ts";
import { logError } from "../send-error.ts";
import { CONNECTED, encodeError, encodeProject, PING } from "./encode.ts";
import { KeepAlive, type Stream } from "./keep-alive.ts";

interface WatchOptions {
  readonly metrics: Metrics;
  readonly log: Logger | undefined;
  readonly auth: Auth | undefined;
  readonly policy: HostPolicy;
}

const PROCEDURE = "projects.watch" as const;
const PATH = `/trpc/${PROCEDURE}?`;
const HEADERS = {
  ...SECURITY_HEADERS,
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  vary: "trpc-accept, accept",
  connection: "keep-alive",
};

/**
 * Answers `projects.watch` in the place of Express and of tRPC's own stream, which together take a hundred kilobytes
 * for each watcher. Client and events are the same. Whatever is not a plain and valid request is left to them: false.
 */
export function watchProject(
  context: Context,
  { metrics, log, auth, policy }: WatchOptions,
): (req: IncomingMessage, res: ServerResponse, refuse: () => void) => boolean {
  const keepAlive = new KeepAlive(PING_MS);
  const shapeOf = (error: unknown) => {
    logError(log, error, { procedure: PROCEDURE, type: "subscription" });
    return errorShapeOf(error, PROCEDURE);
  };
  const answer = (
    res: ServerResponse,
    input: z.output<(typeof WATCH_INPUTS)[typeof PROCEDURE]>,
    start: number,
  ) => {
    for (const [name, value] of Object.entries(HEADERS)) res.setHeader(name, value);
    const stream = new ProjectStream(res, shapeOf);
    const noPings = keepAlive.add(stream);
    const { project_id, lastEventId: after } = input;
    const leave = context.watch.projects.follow(project_id, { after }, stream);
    const seconds = () => (performance.now() - start) / 1000;
    context.onCall?.({ procedure: PROCEDURE, type: "subscription", ok: true, seconds: seconds() });
    res.once("close", () => {
      noPings();
      leave();
      metrics.request({ route: "trpc", method: "GET", status: 200, seconds: seconds(), stream: true });
    });
  };
  return (req, res, refuse) => {
    const start = performance.now();
    const input = inputOf(req, policy);
    if (!input) return false;
    if (!auth) {
      markProven(req.socket);
      answer(res, input, start);
    } else
      auth.admit(req, res).then(
        (principal) => {
          if (isGranted(principal, accessTo(PROCEDURE)) && !res.closed) answer(res, input, start);
          else refuse();
        },
        // Express asks once more, and answers with the refusal.
        refuse,
      );
    return true;
  };
}

/** As tRPC finds it: the last event seen is named by a header or in the address, beside the input. */
function inputOf(req: IncomingMessage, policy: HostPolicy) {
  const { url = "", headers } = req;
  if (req.method !== "GET" || !url.startsWith(PATH) || isForeignRequest(req, policy)) return undefined;
  if (headers["trpc-accept"] !== undefined || headers.accept?.includes("application/jsonl")) return undefined;
  const query = new URLSearchParams(url.slice(PATH.length));
  if ([...query.keys()].some((name) => !KNOWN.includes(name))) return undefined;
  const seen = headers["last-event-id"] || (query.get("lastEventId") ?? query.get("Last-Event-Id"));
  try {
    const raw: unknown = JSON.parse(query.get("input") ?? "");
    rejectUnsafeKeys(raw);
    const { data } = WATCH_INPUTS[PROCEDURE].safeParse(raw);
    return data && seen ? WATCH_INPUTS[PROCEDURE].safeParse({ ...data, lastEventId: seen }).data : data;
  } catch {
    return undefined;
  }
}

const KNOWN = ["input", "lastEventId", "Last-Event-Id"];

/**
 * One who watches a project over an open answer. It keeps nothing but the newest state that its connection had no room
 * for: thousands of them cost little more than their sockets.
 */
class ProjectStream implements ProjectReader, Stream {
  readonly #answer: ServerResponse;
  readonly #shapeOf: (error: unknown) => ErrorShape;
  #full = false;
  #waiting: Project | undefined;

  constructor(answer: ServerResponse, shapeOf: (error: unknown) => ErrorShape) {
    this.#answer = answer;
    this.#shapeOf = shapeOf;
    // By themselves: as one text with the first event they would be kept in fifty pieces.
    answer.flushHeaders();
    this.#write(CONNECTED);
  }

  put(project: Project): void {
    if (this.#answer.writableEnded) return;
    if (this.#full) this.#waiting = project;
    else this.#write(encodeProject(project));
  }

  /** The last event says what went wrong. What waits goes first. */
  fail(error: unknown): void {
    if (this.#answer.writableEnded) return;
    if (this.#waiting) this.#answer.write(encodeProject(this.#waiting));
    this.#answer.end(encodeError(this.#shapeOf(error)));
  }

  /** Not where bytes wait already: a reader that takes nothing is to be found out. */
  ping(): void {
    if (!this.#full && !this.#answer.writableEnded) this.#write(PING);
  }

  #write(event: string | Buffer): void {
    if (this.#answer.write(event)) return;
    this.#full = true;
    this.#answer.once("drain", () => this.#goOn());
  }

  #goOn(): void {
    this.#full = false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) this.put(waiting);
  }
}
