export * from "./artifacts.ts";
export { Control as ProjectControl, type Plan } from "./control.ts";
export * from "./cursor.ts";
export * from "./filter.ts";
export { Imports, type MergeOptions } from "./imports.ts";
export * from "./lists.ts";
export * from "./repository.ts";
export { type Claimed, isLeaseOver, type Report, Work } from "./work.ts";
