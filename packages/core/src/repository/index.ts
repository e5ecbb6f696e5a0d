export * from "./artifacts.ts";
export type { ProjectChange, RepositoryOptions } from "./context.ts";
export { Control as ProjectControl, type Plan } from "./control.ts";
export * from "./cursor.ts";
export { Imports, type MergeOptions } from "./imports.ts";
export * from "./lists.ts";
export * from "./project-cache.ts";
export * from "./repository.ts";
export { type Claimed, isLeaseLost, type Report, Work } from "./work.ts";
