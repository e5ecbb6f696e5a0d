import type { RequestHandler } from "express";
import type { Metrics } from "./metrics.ts";

const ROUTES = ["trpc", "artifacts", "healthz", "readyz", "metrics"];

/** Counts every request under a short name of its route, whatever the path was. */
export function observe(metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    const first = req.path.split("/", 2)[1] ?? "";
    const route = ROUTES.includes(first) ? first : "page";
    res.once("close", () => {
      const stream = String(res.getHeader("content-type") ?? "").startsWith("text/event-stream");
      const seconds = (performance.now() - start) / 1000;
      metrics.request({ route, method: req.method, status: res.statusCode, seconds, stream });
    });
    next();
  };
}
