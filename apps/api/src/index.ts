export { createApp } from "./http/app.ts";
export type { ApiDeps } from "./http/deps.ts";
export { Metrics } from "./http/metrics.ts";
export { type Api, ApiStartError, startApi } from "./server.ts";
