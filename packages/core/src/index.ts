export * from "./errors.ts";
export * from "./memory/index.ts";
export * from "./patch/index.ts";
export * from "./ports/index.ts";
export * from "./report/index.ts";
export * from "./repository/index.ts";
export * from "./snapshot/index.ts";
export * from "./transitions/index.ts";
