export * from "./artifact-store.ts";
export * from "./project-store.ts";
