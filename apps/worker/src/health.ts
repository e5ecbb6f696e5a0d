import { createServer, type Server, type ServerResponse } from "node:http";
import type { ProjectStore } from "@stagefold/core";
import type { Logger } from "pino";
import type { WorkerMetrics } from "./metrics.ts";

export interface HealthDeps {
  readonly store: ProjectStore;
  /** Why the worker cannot run stages; undefined while it can. */
  readonly notReady: () => string | undefined;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
}

/**
 * Serves `GET /healthz` (the process is up), `/readyz` (the store answers, and the worker can run stages) and `/metrics`
 * (for Prometheus).
 * Rejects when the port cannot be had.
 */
export function serveHealth(deps: HealthDeps, host: string, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(deps, `${request.method} ${request.url}`, response).catch((error: unknown) => {
      deps.log.error({ err: error }, "a request for health or metrics failed");
      send(response, 500, "failed\n");
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

async function answer(
  { store, notReady, metrics, log }: HealthDeps,
  request: string,
  response: ServerResponse,
): Promise<void> {
  switch (request) {
    case "GET /healthz":
      return send(response, 200, "ok\n");
    case "GET /readyz": {
      const reason = notReady();
      if (reason !== undefined) return send(response, 503, `not ready: ${reason}\n`);
      try {
        await store.ping();
        return send(response, 200, "ok\n");
      } catch (error) {
        log.warn({ err: error }, "the store does not answer");
        return send(response, 503, "not ready: the store does not answer\n");
      }
    }
    case "GET /metrics":
      return send(response, 200, await metrics.registry.metrics(), metrics.registry.contentType);
    default:
      return send(response, 404, "not found\n");
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}
