export * from "./apply-event.ts";
export * from "./events.ts";
export * from "./fit.ts";
export * from "./manifest.ts";
