import { type ProjectStore, StagefoldError } from "@stagefold/core";
import { Router } from "express";
import type { Metrics } from "./metrics.ts";
import { sendError } from "./send-error.ts";

const PING_MS = 2000;

/** `/healthz`: the process is up. `/readyz`: the table answers. `/metrics`: figures for Prometheus. */
export function healthRoutes(store: ProjectStore, metrics: Metrics): Router {
  const routes = Router();
  routes.get("/healthz", (_req, res) => {
    res.json({ status: "ok" });
  });
  routes.get("/readyz", async (_req, res) => {
    const ready = await answers(store);
    if (ready) res.json({ status: "ready" });
    else
      sendError(
        res,
        new StagefoldError("STORE_UNAVAILABLE", "The table does not answer.", { retry_after: 5 }),
      );
  });
  routes.get("/metrics", async (_req, res) => {
    res.setHeader("content-type", metrics.registry.contentType);
    res.send(await metrics.registry.metrics());
  });
  return routes;
}

async function answers(store: ProjectStore): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), PING_MS);
  });
  const pinged = store.ping().then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([pinged, late]);
  } finally {
    clearTimeout(timer);
  }
}
