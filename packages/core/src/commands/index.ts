export * from "./answer.ts";
export * from "./claim.ts";
export * from "./control.ts";
export { type Asker, type Control, requireOwner } from "./control-patch.ts";
export * from "./create.ts";
export * from "./import.ts";
export * from "./report.ts";
export * from "./retry.ts";
export * from "./revision.ts";
