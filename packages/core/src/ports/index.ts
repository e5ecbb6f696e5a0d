export * from "./artifact-store.ts";
export * from "./clock.ts";
export * from "./project-store.ts";
