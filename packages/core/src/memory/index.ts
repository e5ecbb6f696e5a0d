export * from "./artifact-store.ts";
export * from "./change-feed.ts";
export * from "./project-store.ts";
export * from "./record-store.ts";
