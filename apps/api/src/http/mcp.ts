import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, type ServerEvent, type ServerEventBus } from "@modelcontextprotocol/server";
import { Router } from "express";
import type { Logger } from "pino";
import type { Context } from "../context.ts";
import { MAX_BODY_BYTES } from "../errors.ts";
import { LocalBackend } from "../mcp/local-backend.ts";
import { buildUri } from "../mcp/resources.ts";
import { createMcpServer } from "../mcp/server.ts";
import { rejectUnsafeKeys } from "../reject-unsafe-keys.ts";
import { exactNumbers, jsonOf, noStore, notTooLarge, onlyJson, readText } from "./json-body.ts";
import { contextOf } from "./request-context.ts";
import { logError } from "./send-error.ts";

/** `/mcp`: the Model Context Protocol over streamable HTTP, without sessions, for clients of 2025 and of 2026. */
export function mcpRoutes(context: Context, log: Logger | undefined): Router {
  const routes = Router();
  const handler = createMcpHandler(({ authInfo }) => createMcpServer(backendOf(authInfo?.extra)), {
    bus: new BuildChanges(context, log),
    maxRequestBodySize: MAX_BODY_BYTES,
    onerror: (error) => logError(log, error, { route: "mcp" }),
  });
  const answer = toNodeHandler(handler);
  routes.use(noStore, onlyJson, notTooLarge, readText, exactNumbers);
  routes.all("/", async (req, res) => {
    const asked = contextOf(context, req, res);
    const backend = new LocalBackend(asked);
    // Who asks is known already: this is how it comes to the server that answers.
    const auth = { token: "", clientId: asked.principal.id, scopes: [], extra: { backend } };
    const body = typeof req.body === "string" && req.body !== "" ? jsonOf(req.body) : undefined;
    // Before the protocol's own schemas, which nesting without end breaks.
    rejectUnsafeKeys(body);
    await answer(Object.assign(req, { auth }), res, body);
  });
  return routes;
}

function backendOf(extra: Readonly<Record<string, unknown>> | undefined): LocalBackend {
  const backend = extra?.backend;
  if (backend instanceof LocalBackend) return backend;
  throw new Error("expected a request that was admitted");
}

/** What changes, for those who listen: one watch of all builds while there is a listener. */
class BuildChanges implements ServerEventBus {
  readonly #context: Context;
  readonly #log: Logger | undefined;
  readonly #listeners = new Set<(event: ServerEvent) => void>();
  #ending: AbortController | undefined;

  constructor(context: Context, log: Logger | undefined) {
    this.#context = context;
    this.#log = log;
  }

  publish(event: ServerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: ServerEvent) => void): () => void {
    this.#listeners.add(listener);
    this.#ending ??= this.#follow();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#ending?.abort();
      this.#ending = undefined;
    };
  }

  #follow(): AbortController {
    const ending = new AbortController();
    const { list } = this.#context.watch;
    const follow = async () => {
      for await (const { change } of list.watch({}, { signal: ending.signal }))
        if (change.kind === "reset") this.publish({ kind: "resources_list_changed" });
        else this.publish({ kind: "resource_updated", uri: buildUri(idOf(change)) });
    };
    follow().catch((error: unknown) => {
      logError(this.#log, error, { route: "mcp", while: "listening" });
      if (this.#ending === ending) this.#ending = undefined;
    });
    return ending;
  }
}

function idOf(change: { project_id: string } | { project: { project_id: string } }): string {
  return "project" in change ? change.project.project_id : change.project_id;
}
