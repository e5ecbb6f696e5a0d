export * from "./claim.ts";
export * from "./control.ts";
export * from "./create.ts";
export * from "./import.ts";
export * from "./report.ts";
export * from "./revision.ts";
