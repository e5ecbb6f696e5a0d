export * from "./agent-runner.ts";
export * from "./artifact-store.ts";
export * from "./change-feed.ts";
export * from "./clock.ts";
export * from "./list-filter.ts";
export * from "./project-store.ts";
export * from "./record-store.ts";
export * from "./storage-key.ts";
