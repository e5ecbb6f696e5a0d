export * from "./apply.ts";
export * from "./difference.ts";
export * from "./patch.ts";
